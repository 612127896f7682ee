// What leader and office do about somebody's account: devices, a link for a password, their work, closing it.
import type { FunctionComponent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { call } from '../api/http'
import type { Device, Person, ResetLink, Work } from '../api/wire'
import { newId } from '../keep/ids'
import { useKept } from '../keep/kept'
import { places } from '../keep/sync'
import { roles } from '../keep/session'
import { moment, t, word } from '../words'
import { Age, Empty, ProblemBox, say, Sheet } from './bits'
import { useAttempt } from './form'
import { Qr } from './qr'

export const Managing: FunctionComponent<{ person: Person; onClose: (changed: boolean) => void }> = ({ person, onClose }) => {
  const [link, setLink] = useState<ResetLink | null>(null)
  const { name } = person
  return (
    <Sheet title={t('manage-of', { name })} onClose={() => onClose(false)}>
      {link
        ? <Qr url={link.url} qr={link.qr} alt={t('link-of', { name })} hint={t('link-until', { at: moment(link.expires_at) })} onClose={() => onClose(false)} />
        : person.closed_at || !person.answers ? <Handing person={person} />
        : <><Devices person={person} /><Linking person={person} onMade={setLink} /><Handing person={person} /><Closing person={person} onClosed={() => onClose(true)} /></>}
    </Sheet>
  )
}

const Devices: FunctionComponent<{ person: Person }> = ({ person }) => {
  const [beat, setBeat] = useState(0)
  const path = `/v1/people/${person.id}/sessions`
  const devices = useKept<{ items: Device[] }>(path, beat)
  const { problem, busy, attempt } = useAttempt()
  const end = (which: string) => attempt(call('DELETE', which), () => { say(t('device-ended')); setBeat(beat + 1) })
  return (
    <section aria-label={t('devices')}>
      <h3>{t('devices')}</h3>
      <Age kept={devices} />
      {devices.body?.items.length === 0 && <Empty title={t('no-devices')} />}
      <ul class="items">
        {devices.body?.items.map((device) => (
          <li key={device.id} class="row apart"><span>{device.device || t('some-device')}<br /><span class="small quiet">{moment(device.last_seen_at)}</span></span>
            <button class="button small" disabled={busy} onClick={() => void end(`${path}/${device.id}`)}>{t('sign-out-it')}</button></li>
        ))}
      </ul>
      <ProblemBox problem={problem} />
      {(devices.body?.items.length ?? 0) > 1 && <button class="button small grave" disabled={busy} onClick={() => confirm(t('end-all-sure', { name: person.name })) && void end(path)}>{t('end-all')}</button>}
    </section>
  )
}

const Linking: FunctionComponent<{ person: Person; onMade: (link: ResetLink) => void }> = ({ person, onMade }) => {
  // A second tap, or one more try in a dead spot, is the same link.
  const id = useRef(newId())
  const { problem, busy, attempt } = useAttempt()
  const make = async () => onMade((await call<ResetLink>('PUT', `/v1/people/${person.id}/reset-links/${id.current}`)).body)
  return (
    <section aria-label={t('reset-link')}>
      <h3>{t('reset-link')}</h3>
      <p class="small quiet">{t('reset-hint', { name: person.name })}</p>
      <ProblemBox problem={problem} />
      <button class="button small" disabled={busy} onClick={() => void attempt(make())}>{t('make-link')}</button>
    </section>
  )
}

const Handing: FunctionComponent<{ person: Person }> = ({ person }) => {
  const [beat, setBeat] = useState(0)
  const [to, setTo] = useState('')
  const path = `/v1/people/${person.id}`
  const work = useKept<Work>(`${path}/work`, beat)
  // By name, and with what each is, since several may have one name.
  const people = (useKept<Person[]>('/v1/people', 0, 'items').body ?? []).filter((each) => each.id !== person.id).sort((a, b) => a.name.localeCompare(b.name, 'zh-CN'))
  const roleOf = (each: Person) => [...new Set(each.roles.map((role) => [word('role', role.role), places.value.find((place) => place.id === (role.cell ?? role.area))?.properties.name].filter(Boolean).join(' ')))].join('、')
  const chosen = people.find((each) => each.id === to)
  const { problem, busy, attempt } = useAttempt()
  const left = work.body
  const none = left !== null && left.issues.count + left.cells.length + left.black_spots.length === 0
  const give = () => attempt(call('POST', `${path}/hand-over`, { to }), () => { say(t('handed-over')); setBeat(beat + 1) })
  return (
    <section aria-label={t('hand-over-work')}>
      <h3>{t('hand-over-work')}</h3>
      <Age kept={work} />
      {left && <p class="small quiet">{none ? t('no-work') : t('work-told', { issues: left.issues.count, cells: left.cells.map((cell) => cell.name).join('、') || '—', spots: left.black_spots.length })}</p>}
      {left && !none && (
        <>
          <label class="field"><span>{t('hand-to')}</span><select value={to} onInput={(event) => setTo(event.currentTarget.value)}><option value="" />{people.map((each) => <option key={each.id} value={each.id}>{each.name}{each.roles.length > 0 && ` · ${roleOf(each)}`}</option>)}</select></label>
          <ProblemBox problem={problem} />
          <button class="button small" disabled={busy || to === ''} onClick={() => chosen && confirm(t('hand-sure', { name: person.name, to: chosen.name })) && void give()}>{t('hand-over-all')}</button>
        </>
      )}
    </section>
  )
}

const Closing: FunctionComponent<{ person: Person; onClosed: () => void }> = ({ person, onClosed }) => {
  const { problem, busy, attempt } = useAttempt()
  if (!roles.value.has('staff') && !roles.value.has('admin')) return null
  const { name } = person
  const close = () => attempt(call('POST', `/v1/people/${person.id}/close`, {}), () => { say(t('account-is-closed', { name })); onClosed() })
  return (
    <section aria-label={t('close-account')}>
      <h3>{t('close-account')}</h3>
      <p class="small quiet">{t('close-hint')}</p>
      <ProblemBox problem={problem} />
      <button class="button small grave" disabled={busy} onClick={() => confirm(t('close-sure', { name })) && void close()}>{t('close-account')}</button>
    </section>
  )
}

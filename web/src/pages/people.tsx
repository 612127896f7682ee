// The people for whom somebody answers: who they are, inviting by QR, a word of thanks.
import type { FunctionComponent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useSearchParams } from 'wouter-preact'
import { call } from '../api/http'
import type { Invitation, Person, Unit } from '../api/wire'
import { newId } from '../keep/ids'
import { useKept } from '../keep/kept'
import { me, myCells, roles } from '../keep/session'
import { cells, places } from '../keep/sync'
import { Age, Empty, ProblemBox, say, Sheet } from '../parts/bits'
import { Form, SheetForm, useAttempt } from '../parts/form'
import { Growing } from '../parts/growing'
import { Page } from '../shell'
import { moment, t, word } from '../words'

export const PeoplePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [beat, setBeat] = useState(0)
  const people = useKept<Person[]>('/v1/people', beat, 'items')
  const units = useKept<Unit[]>('/v1/units', 0, 'items').body ?? []
  const [thanking, setThanking] = useState<Person | null>(null)
  const [inviting, setInviting] = useState(false)
  const { problem, busy, attempt } = useAttempt()
  const asked = search.get('q') ?? ''
  const names = new Map([...places.value.map((place) => [place.id, place.properties.name] as const), ...units.map((unit) => [unit.id, unit.name] as const)])
  const found = (people.body ?? []).filter((person) => !asked || person.name.includes(asked) || person.phone.includes(asked) || person.roles.some((role) => (names.get(role.cell ?? role.unit ?? role.area ?? '') ?? '').includes(asked)))
  const take = (id: string) => confirm(t('take-role-sure')) && attempt(call('DELETE', `/v1/roles/${id}`), () => setBeat(beat + 1))
  return (
    <Page title={t('people')} back="/">
      <div class="row"><label class="grow"><span class="hidden">{t('search')}</span><input type="search" placeholder={t('search-people')} value={asked} onInput={(event) => setSearch(event.currentTarget.value ? { q: event.currentTarget.value } : {}, { replace: true })} /></label>
        <button class="button first" onClick={() => setInviting(true)}>{t('invite')}</button></div>
      <ProblemBox problem={problem} />
      <Age kept={people} />
      {people.body && found.length === 0 && <Empty title={t('no-people')} />}
      <Growing items={found} keyOf={(person) => person.id} row={(person) => (
        <div class="card">
          <div class="row apart"><b>{person.name}</b>{person.phone && <a href={`tel:${person.phone}`}>{person.phone}</a>}</div>
          {person.roles.map((role) => (
            <div key={role.id} class="row apart"><span class="small">{word('role', role.role)} · {names.get(role.cell ?? role.unit ?? role.area ?? '') ?? ''}{role.ends_at ? ` · ${t('until', { at: moment(role.ends_at) })}` : ''}</span>
              <button class="button small" disabled={busy} aria-label={t('take-role-of', { name: person.name, role: word('role', role.role) })} onClick={() => void take(role.id)}>{t('take-role')}</button></div>
          ))}
          {person.id !== me.value?.id && <div class="row"><button class="button small" onClick={() => setThanking(person)}>{t('thank')}</button></div>}
        </div>
      )} />
      {inviting && <Inviting onClose={() => setInviting(false)} units={units} />}
      {thanking && <Thanking person={thanking} onClose={() => setThanking(null)} />}
    </Page>
  )
}

const Thanking: FunctionComponent<{ person: Person; onClose: () => void }> = ({ person, onClose }) => {
  const close = (sent: boolean) => {
    if (sent) say(t('thanked', { name: person.name }))
    onClose()
  }
  return (
    <SheetForm keep={`thank:${person.id}`} title={t('thank-whom', { name: person.name })} action={t('thank')} send={(form, { id }) => call('PUT', `/v1/thanks/${id}`, { account: person.id, text: form.get('text') })} onClose={close}>
      <label class="field"><span>{t('thanks-words')}</span><textarea name="text" required maxLength={300} rows={3} /></label>
    </SheetForm>
  )
}

/** Uses of one invitation, at most; who runs or inspects a community is invited one by one. */
const MOST_USES: Record<string, number> = { volunteer: 500, leader: 10, worker: 10 }

const Inviting: FunctionComponent<{ onClose: () => void; units: Unit[] }> = ({ onClose, units }) => {
  const staff = roles.value.has('staff') || roles.value.has('admin')
  const [role, setRole] = useState('volunteer')
  const [made, setMade] = useState<Invitation | null>(null)
  const asked = useRef<{ text: string; key: string } | null>(null)
  const kinds = staff ? ['volunteer', 'leader', 'worker', 'staff', 'inspector'] : ['volunteer']
  const own = cells.value.filter((cell) => staff || myCells.value.includes(cell.id))
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  const send = async (form: FormData) => {
    const kind = role === 'worker' ? 'unit' : role === 'staff' || role === 'inspector' ? 'area' : 'cell'
    const wish = { role, [kind]: String(form.get('target')), uses: Number(form.get('uses')) }
    // The same wish sent again, by a second tap or after a broken connection, is the same invitation.
    const text = JSON.stringify(wish)
    if (asked.current?.text !== text) asked.current = { text, key: newId() }
    setMade((await call<Invitation>('POST', '/v1/invitations', wish, { 'idempotency-key': asked.current.key })).body)
  }
  const options = role === 'worker' ? units.map((unit) => [unit.id, unit.name] as const) : (role === 'staff' || role === 'inspector' ? areas : own).map((place) => [place.id, place.properties.name] as const)
  return (
    <Sheet title={t('invite')} onClose={onClose}>
      {made ? (
        <>
          {/* An SVG that the server has drawn, shown as a picture so that nothing in it could run. */}
          <div class="qr"><img src={`data:image/svg+xml;utf8,${encodeURIComponent(withNamespace(made.qr))}`} alt={t('qr-of', { role: word('role', made.role) })} width="256" height="256" style={{ margin: '0 auto', background: '#fff' }} /></div>
          <p class="small">{made.url}</p>
          <p class="small quiet">{t('invite-uses', { n: made.uses, at: moment(made.expires_at) })}</p>
          <div class="foot">
            <button class="button" onClick={() => void navigator.clipboard?.writeText(made.url).then(() => say(t('copied')))}>{t('copy')}</button>
            <button class="button first" onClick={onClose}>{t('done')}</button>
          </div>
        </>
      ) : (
        <Form class="items" keep="invite" title={t('invite')} action={t('make-qr')} send={send} onSent={() => {}} onCancel={onClose}>
          {kinds.length > 1 && <label class="field"><span>{t('role')}</span><select name="role" value={role} onInput={(event) => setRole(event.currentTarget.value)}>{kinds.map((kind) => <option key={kind} value={kind}>{word('role', kind)}</option>)}</select></label>}
          <label class="field"><span>{t('for')}</span><select name="target" required key={role}>{options.map(([id, name]) => <option key={id} value={id}>{name}</option>)}</select></label>
          <label class="field"><span>{t('uses')}</span><input type="number" name="uses" min="1" max={MOST_USES[role] ?? 1} defaultValue="1" required key={role} /></label>
        </Form>
      )}
    </Sheet>
  )
}

const withNamespace = (svg: string): string => (svg.includes('xmlns=') ? svg : svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'))

// The people for whom somebody answers: who they are, inviting by QR, a word of thanks.
import type { FunctionComponent } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useSearchParams } from 'wouter-preact'
import { call } from '../api/http'
import type { Feature, Invitation, Person, Unit } from '../api/wire'
import { newId } from '../keep/ids'
import { useKept } from '../keep/kept'
import { me, myCells, roles } from '../keep/session'
import { cells, places } from '../keep/sync'
import { Age, Empty, ProblemBox, say, Sheet } from '../parts/bits'
import { Form, SheetForm, useAttempt } from '../parts/form'
import { Growing } from '../parts/growing'
import { Managing } from '../parts/managing'
import { Qr } from '../parts/qr'
import { Page } from '../shell'
import { moment, t, word } from '../words'

export const PeoplePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [beat, setBeat] = useState(0)
  const gone = search.get('closed') === '1'
  const people = useKept<Person[]>(gone ? '/v1/people?closed=true' : '/v1/people', beat, 'items')
  const units = useKept<Unit[]>('/v1/units', 0, 'items').body ?? []
  const [thanking, setThanking] = useState<Person | null>(null)
  const [managed, setManaged] = useState<Person | null>(null)
  const [inviting, setInviting] = useState(false)
  const { problem, busy, attempt } = useAttempt()
  const asked = search.get('q') ?? ''
  const names = new Map([...places.value.map((place) => [place.id, place.properties.name] as const), ...units.map((unit) => [unit.id, unit.name] as const)])
  const found = (people.body ?? []).filter((person) => !asked || person.name.includes(asked) || person.phone.includes(asked) || person.roles.some((role) => (names.get(role.cell ?? role.unit ?? role.area ?? '') ?? '').includes(asked)))
  const closes = roles.value.has('staff') || roles.value.has('admin')
  const reopen = (person: Person) => attempt(call('POST', `/v1/people/${person.id}/reopen`), () => { say(t('reopened', { name: person.name })); setBeat(beat + 1) })
  const take = (id: string) => confirm(t('take-role-sure')) && attempt(call('DELETE', `/v1/roles/${id}`), () => setBeat(beat + 1))
  return (
    <Page title={t('people')} back="/">
      <div class="row"><label class="grow"><span class="hidden">{t('search')}</span><input type="search" placeholder={t('search-people')} value={asked} onInput={(event) => setSearch({ ...(gone ? { closed: '1' } : {}), ...(event.currentTarget.value ? { q: event.currentTarget.value } : {}) }, { replace: true })} /></label>
        <button class="button first" onClick={() => setInviting(true)}>{t('invite')}</button></div>
      {closes && <div class="row" role="group" aria-label={t('people')}>{[false, true].map((which) => <button key={String(which)} class="button small" aria-pressed={gone === which} onClick={() => setSearch(which ? { closed: '1' } : {}, { replace: true })}>{t(which ? 'closed-accounts' : 'present-people')}</button>)}</div>}
      <ProblemBox problem={problem} />
      <Age kept={people} />
      {people.body && found.length === 0 && <Empty title={t('no-people')} />}
      <Growing items={found} keyOf={(person) => person.id} row={(person) => (
        <div class="card">
          <div class="row apart"><b>{person.name}</b>{person.phone && <a href={`tel:${person.phone}`}>{person.phone}</a>}</div>
          {person.roles.map((role) => (
            <div key={role.id} class="row apart"><span class="small">{word('role', role.role)} · {names.get(role.cell ?? role.unit ?? role.area ?? '') ?? ''}{role.ends_at ? ` · ${t('until', { at: moment(role.ends_at) })}` : ''}</span>
              {!gone && role.may_take_back && <button class="button small" disabled={busy} aria-label={t('take-role-of', { name: person.name, role: word('role', role.role) })} onClick={() => void take(role.id)}>{t('take-role')}</button>}</div>
          ))}
          {person.closed_at && <p class="small quiet">{t('closed-at', { at: moment(person.closed_at) })}{person.closed_for ? ` · ${person.closed_for}` : ''}</p>}
          {person.id !== me.value?.id && (
            <div class="row">
              {!gone && <button class="button small" onClick={() => setThanking(person)}>{t('thank')}</button>}
              {person.answers && !gone && <button class="button small" aria-label={t('manage-of', { name: person.name })} onClick={() => setManaged(person)}>{t('manage')}</button>}
              {gone && (person.issues > 0 || person.roles.some((role) => role.role === 'leader')) && <button class="button small" aria-label={t('manage-of', { name: person.name })} onClick={() => setManaged(person)}>{t('hand-over-work')}</button>}
              {person.answers && gone && <button class="button small" disabled={busy} onClick={() => void reopen(person)}>{t('reopen-account')}</button>}
            </div>
          )}
        </div>
      )} />
      {inviting && <Inviting onClose={() => setInviting(false)} units={units} />}
      {managed && <Managing person={managed} onClose={(changed) => { setManaged(null); if (changed) setBeat(beat + 1) }} />}
      {thanking && <Thanking person={thanking} onClose={() => setThanking(null)} />}
    </Page>
  )
}

/** Whether the caller stands above an area: an admin, or staff of one that it lies in. Colleagues are named from above. */
function stands(area: Feature, areas: readonly Feature[]): boolean {
  if (roles.value.has('admin')) return true
  const mine = new Set((me.value?.roles ?? []).filter((held) => held.role === 'staff').map((held) => held.held_for?.id))
  const parents = new Map(areas.map((each) => [each.id, each.properties.parent] as const))
  for (let at = area.properties.parent; at; at = parents.get(at) ?? null) if (mine.has(at)) return true
  return false
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
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  const overseen = areas.filter((area) => stands(area, areas))
  const kinds = staff ? ['volunteer', 'leader', 'worker', ...(overseen.length ? ['staff', 'inspector'] : [])] : ['volunteer']
  const own = cells.value.filter((cell) => staff || myCells.value.includes(cell.id))
  const send = async (form: FormData) => {
    const kind = role === 'worker' ? 'unit' : role === 'staff' || role === 'inspector' ? 'area' : 'cell'
    const wish = { role, [kind]: String(form.get('target')), uses: Number(form.get('uses')) }
    // The same wish sent again, by a second tap or after a broken connection, is the same invitation.
    const text = JSON.stringify(wish)
    if (asked.current?.text !== text) asked.current = { text, key: newId() }
    setMade((await call<Invitation>('POST', '/v1/invitations', wish, { 'idempotency-key': asked.current.key })).body)
  }
  const options = role === 'worker' ? units.map((unit) => [unit.id, unit.name] as const) : (role === 'staff' || role === 'inspector' ? overseen : own).map((place) => [place.id, place.properties.name] as const)
  return (
    <Sheet title={t('invite')} onClose={onClose}>
      {made ? (
        <Qr url={made.url} qr={made.qr} alt={t('qr-of', { role: word('role', made.role) })} hint={t('invite-uses', { n: made.uses, at: moment(made.expires_at) })} onClose={onClose} />
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

// Acting on an issue. Which actions are open the server says with the issue; which fields one has stands in the lifecycle that the server
// describes (api/lifecycle.ts, generated). Nothing of either is decided here.
import type { FunctionComponent, JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { ACTIONS, type ActionName, OPEN } from '../api/lifecycle'
import type { Problem } from '../api/http'
import type { Authority, Issue, Person, Unit } from '../api/wire'
import { type KeptForm, useKeptForm } from '../keep/forms'
import { newId } from '../keep/ids'
import { useKept } from '../keep/kept'
import { isOverdue } from '../keep/overdue'
import { deliverWhole, send } from '../keep/sending'
import { me, myUnits } from '../keep/session'
import { categories, cells, groups, issues, online, places } from '../keep/sync'
import { language, metres, t, word } from '../words'
import { categoryName, ProblemBox, say, Sheet, told } from './bits'
import { PhotosField, Restored } from './form'
import { distance } from './geo'
import { useOnce } from './once'
import { Picture } from './picture'
import { SmallMap } from './small-map'

/** Done with one tap, since they need nothing and hurt nobody. */
export const QUICK = new Set(['accept', 'start', 'verify', 'pass_inspection'])
/** Drawn in the colour of what is hard to take back. */
export const GRAVE = new Set(['reject', 'withdraw', 'close_unresolved', 'send_back', 'fail_inspection'])
const RANK = [
  'verify', 'send_back', 'rectify', 'start', 'accept', 'reject', 'grant_extension', 'refuse_extension', 'reply', 'assign', 'hand_over', 'merge', 'request_extension', 'comment',
  'pass_inspection', 'fail_inspection', 'reopen', 'withdraw',
]

/** Whether the caller, or a unit of theirs, was asked to mend it. */
const asked = (issue: Issue) => issue.assignee?.id === me.value?.id || (issue.unit !== null && myUnits.value.includes(issue.unit.id))

const others = (issue: Issue) => !asked(issue) && (issue.unit !== null || issue.assignee !== null)

/** What a button is called: a comment on what others owe reminds them. */
export const called = (issue: Issue, action: string): string => (action === 'comment' && isOverdue(issue) && others(issue) ? t('urge') : word('action', action))

/** Photographs of what was mended that a leader looks at twice before it is verified. */
export const doubtful = (issue: Issue) => issue.photos.filter((photo) => photo.kind === 'after' && (photo.doubts?.length ?? 0) > 0)

/** Whether one tap is enough: never where something has to be looked at first. */
export const atOnce = (issue: Issue, action: string): boolean =>
  QUICK.has(action) && !(action === 'verify' && doubtful(issue).length > 0) && !(action === 'accept' && namesPlaces(issue))

const publishes = (issue: Issue) => (me.value?.published ? places.value.find((place) => place.id === issue.area?.id)?.properties.publishes : null) ?? 'nothing'

/** Whether everybody is shown what became of it: it was found to be so, and its community publishes. */
export const shownToAll = (issue: Issue): boolean => publishes(issue) !== 'nothing' && issue.state !== 'reported' && (OPEN.includes(issue.state) || issue.state === 'closed')

/** Metres of blur beyond which no name of a place is published. */
const NAMED_WITHIN_M = 10
/** Whether a name given to its place is one that everybody can read. */
const namesPlaces = (issue: Issue) => publishes(issue) === 'places' && (categories.value.get(issue.category)?.public_precision_m ?? 0) <= NAMED_WITHIN_M

/** The order on the screen: what usually comes next is first. */
export function ranked(issue: Issue): string[] {
  const theirs = others(issue)
  const rank = (name: string) => {
    // What somebody else was asked to mend is not to be mended for them: once it is overdue they are reminded with a comment.
    if (theirs && name === 'rectify') return RANK.length + 1
    if (theirs && isOverdue(issue) && name === 'comment') return -1
    // Nobody is granted, or refused, what he did not ask for, unless somebody looks for it.
    if (/^(grant|refuse)_extension$/.test(name) && !issue.extension_until) return RANK.length + 1
    return RANK.includes(name) ? RANK.indexOf(name) : RANK.length
  }
  // Where no places are published, nobody would read the name.
  return issue.actions.filter((name) => name !== 'name_place' || namesPlaces(issue)).sort((a, b) => rank(a) - rank(b))
}

async function put(issue: Issue, action: string, fields: Record<string, unknown>, photos: string[], kept: KeptForm | null): Promise<void> {
  const id = kept?.id ?? newId()
  const how = await deliverWhole({
    id, kind: 'action', method: 'POST', path: `/v1/issues/${issue.id}/actions`, body: { action, ...fields },
    headers: { 'idempotency-key': id, 'if-match': `"${issue.version}"` }, issue: issue.id, name: action, photos,
  }, kept?.key ?? null)
  if (how === 'sent') say(t('action-sent-at-once', { action: word('action', action) }))
  else say(online.value && navigator.onLine ? t('action-sent', { action: word('action', action) }) : t('action-kept', { action: word('action', action) }))
  void send()
}

export async function quickly(issue: Issue, action: string): Promise<void> {
  try {
    await put(issue, action, {}, [], null)
  } catch (error) {
    const problem = told(error)
    say(problem === 'unreachable' ? t('unreachable') : problem.detail)
  }
}

export const Acting: FunctionComponent<{ issue: Issue; action: string; onClose: () => void }> = ({ issue, action, onClose }) => {
  const law = ACTIONS[action as ActionName] as { needs: readonly string[]; may: readonly string[] } | undefined
  const asked = action === 'grant_extension' && issue.extension_until ? { deadline: issue.extension_until } : action === 'name_place' ? { public_place: '' } : {}
  const kept = useKeptForm(`act:${issue.id}:${action}`, `${word('action', action)} · ${issue.number}`, asked, `/app/issues/${issue.id}?act=${action}`)
  const { fields, photos } = kept
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [missing, setMissing] = useState<string[]>([])
  const { busy, run } = useOnce()
  if (!law) return null
  const set = (name: string, value: unknown) => kept.set({ [name]: value === '' && name !== 'public_place' ? undefined : value })
  // A category may ask for a picture where the lifecycle only allows one.
  const wantsPhoto = action === 'rectify' && categories.value.get(issue.category)?.needs.includes('after')
  // A later deadline than the one in force is an extension, which needs a reason.
  const later = action === 'assign' && issue.deadline !== null && new Date(String(fields['deadline'])) > new Date(issue.deadline)
  const needs = [...law.needs.filter((name) => name !== 'photos'), ...(wantsPhoto ? ['photos'] : []), ...(later ? ['reason'] : [])]
  const shown = [...new Set([...law.needs, ...law.may])].filter((name) => name !== 'public_place' || namesPlaces(issue))
  // Unit and person exclude each other on the screen: who is named decides.
  const submit = async () => {
    const lacking = needs.filter((name) => (name === 'photos' ? photos.length === 0 : fields[name] === undefined))
    setMissing(lacking)
    if (lacking.length) return
    const filled = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
    setProblem(null)
    try {
      await put(issue, action, shown.includes('photos') && photos.length ? { ...filled, photos } : filled, photos, kept)
      onClose()
    } catch (error) {
      setProblem(told(error))
    }
  }
  // Left otherwise than by its button it is found again as it was.
  const cancel = () => void kept.end().then(onClose)
  if (!kept.ready) return null
  return (
    <Sheet title={`${word('action', action)} · ${issue.number}`} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); void run(submit) }} style={{ display: 'grid', gap: '1rem' }} noValidate>
        <Restored kept={kept} />
        {action === 'verify' && doubtful(issue).map((photo) => (
          <div key={photo.id} style={{ display: 'grid', gap: '0.5rem' }}>
            <Picture id={photo.id} alt={t('after')} variant="screen" />
            {photo.doubts?.map((doubt) => <p class="badge wait" key={doubt}>{doubt === 'far' ? t('doubt-far') : t('doubt-old')}</p>)}
          </div>
        ))}
        {shown.map((name) => (
          <FieldFor key={name} name={name} issue={issue} value={fields[name]} set={(value) => set(name, value)} kept={kept}
            needed={needs.includes(name)} missing={missing.includes(name)} onProblem={setProblem} />
        ))}
        {action === 'assign' && <p class="small quiet">{t('assign-hint')}</p>}
        <ProblemBox problem={problem} />
        <div class="foot">
          <button type="button" class="button" onClick={cancel}>{t('cancel')}</button>
          <button class="button first" disabled={busy}>{word('action', action)}</button>
        </div>
      </form>
    </Sheet>
  )
}

interface FieldProps {
  name: string
  issue: Issue
  value: unknown
  set: (value: unknown) => void
  kept: KeptForm
  needed: boolean
  missing: boolean
  onProblem: (problem: Problem | 'unreachable' | null) => void
}

const FieldFor: FunctionComponent<FieldProps> = (props) => {
  const { name, issue, value, set, needed, missing } = props
  const label = `${word('field', name)}${needed ? '' : ` (${t('optional')})`}`
  const text = typeof value === 'string' ? value : ''
  const invalid = missing ? { 'aria-invalid': true as const } : {}
  const wrong = missing && <span class="wrong" role="alert">{t('needed')}</span>
  const onInput = (event: JSX.TargetedEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>) => set(event.currentTarget.value)
  switch (name) {
    case 'reason':
    case 'note':
      return <label class="field"><span>{label}</span><textarea rows={3} maxLength={name === 'note' ? 4000 : 1000} value={text} onInput={onInput} {...invalid} />{wrong}</label>
    case 'place':
      return <label class="field"><span>{label}</span><input type="text" maxLength={200} value={text} onInput={onInput} /></label>
    case 'public_place':
      return (
        <>
          <label class="field"><span>{label}</span><input type="text" maxLength={100} value={text} onInput={onInput} /></label>
          <p class="small quiet">{t('public-place-hint')}</p>
          {issue.place && <p class="row"><span class="small quiet grow">{t('place-reported', { place: issue.place })}</span><button type="button" class="button small" onClick={() => set(issue.place.slice(0, 100))}>{t('take-over')}</button></p>}
        </>
      )
    case 'deadline':
    case 'reply_by':
      return <label class="field"><span>{label}</span><input type="datetime-local" value={text ? local(text) : ''} onInput={(event) => set(event.currentTarget.value ? new Date(event.currentTarget.value).toISOString() : undefined)} {...invalid} />{wrong}</label>
    case 'to':
    case 'reason_code': {
      const options = name === 'to' ? ['rectified', 'accepted'] : ['cannot_be_mended', 'not_our_matter', 'gone', 'duplicate', 'other']
      return <Choice label={label} value={text} onInput={onInput} invalid={missing} options={options.map((option) => [option, name === 'to' ? t(option === 'rectified' ? 'reply-mended' : 'reply-not') : word('reason', option)])} />
    }
    case 'category':
      return (
        <label class="field"><span>{label}</span>
          <select value={text} onInput={onInput} {...invalid}><option value="" />
            {groups.value.map((group) => <optgroup key={group.code} label={group.name[language()]!}>{group.categories.filter((category) => category.active && category.code !== issue.category).map((category) => <option key={category.code} value={category.code}>{category.name[language()]}</option>)}</optgroup>)}
          </select>{wrong}
        </label>
      )
    case 'position': {
      const spot = (value as { lat: number; lon: number } | undefined) ?? issue.position
      return <div class="field"><span>{label}</span><SmallMap at={spot} cells={cells.value} label={t('map-drag')} onMove={(moved) => set({ ...moved, datum: 'wgs84' })} />{wrong}</div>
    }
    case 'photos':
      return <PhotosField label={label} kept={props.kept} missing={missing} onProblem={props.onProblem} />
    case 'unit':
      return <UnitField label={label} value={text} onInput={onInput} issue={issue} />
    case 'assignee':
      return <PersonField label={label} value={text} onInput={onInput} issue={issue} />
    case 'authority':
      return <AuthorityField label={label} value={text} onInput={onInput} invalid={missing} />
    case 'premises':
      return <PremisesField label={label} value={text} onInput={onInput} issue={issue} />
    case 'into':
      return <IntoField label={label} value={text} set={set} issue={issue} missing={missing} />
    default:
      return null
  }
}

function local(iso: string): string {
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

type Picked = (event: JSX.TargetedEvent<HTMLSelectElement | HTMLInputElement>) => void

const Choice: FunctionComponent<{ label: string; value: string; onInput: Picked; options: (readonly [string, string])[]; invalid?: boolean }> = ({ label, value, onInput, options, invalid }) => (
  <label class="field"><span>{label}</span>
    <select value={value} onInput={onInput} {...(invalid ? { 'aria-invalid': true as const } : {})}><option value="" />{options.map(([code, name]) => <option key={code} value={code}>{name}</option>)}</select>
    {invalid && <span class="wrong" role="alert">{t('needed')}</span>}
  </label>
)

const UnitField: FunctionComponent<{ label: string; value: string; onInput: Picked; issue: Issue }> = ({ label, value, onInput, issue }) => {
  const units = useKept<Unit[]>('/v1/units', 0, 'items').body ?? []
  const near = units.filter((unit) => !issue.area || unit.area === issue.area.id)
  return <Choice label={label} value={value} onInput={onInput} options={(near.length ? near : units).map((unit) => [unit.id, unit.name])} />
}

const PersonField: FunctionComponent<{ label: string; value: string; onInput: Picked; issue: Issue }> = ({ label, value, onInput, issue }) => {
  const people = useKept<Person[]>('/v1/people', 0, 'items').body ?? []
  const fit = people.filter((person) => person.roles.some((role) => role.cell === issue.cell?.id || role.unit === issue.unit?.id || role.role === 'worker'))
  return <Choice label={label} value={value} onInput={onInput} options={fit.map((person) => [person.id, `${person.name} · ${[...new Set(person.roles.map((role) => word('role', role.role)))].join(' ')}`])} />
}

const AuthorityField: FunctionComponent<{ label: string; value: string; onInput: Picked; invalid: boolean }> = ({ label, value, onInput, invalid }) => {
  const known = useKept<{ items: Authority[] }>('/v1/authorities').body?.items ?? []
  return (
    <label class="field"><span>{label}</span>
      <input type="text" maxLength={100} list="authorities" value={value} onInput={onInput} {...(invalid ? { 'aria-invalid': true as const } : {})} />
      <datalist id="authorities">{known.map((authority) => <option key={authority.id} value={authority.name} />)}</datalist>
      {invalid && <span class="wrong" role="alert">{t('needed')}</span>}
    </label>
  )
}

const PremisesField: FunctionComponent<{ label: string; value: string; onInput: Picked; issue: Issue }> = ({ label, value, onInput, issue }) => {
  const known = useKept<{ id: string; name: string; address: string; cell: { id: string } | null }[]>('/v1/premises', 0, 'items').body ?? []
  const near = known.filter((premises) => premises.cell?.id === issue.cell?.id)
  return <Choice label={label} value={value} onInput={onInput} options={(near.length ? near : known).map((premises) => [premises.id, `${premises.name} ${premises.address}`])} />
}

const IntoField: FunctionComponent<{ label: string; value: string; set: (value: unknown) => void; issue: Issue; missing: boolean }> = ({ label, value, set, issue, missing }) => {
  const near = useMemo(
    () => [...issues.value.values()]
      .filter((other) => other.id !== issue.id && OPEN.includes(other.state))
      .map((other) => ({ other, m: distance(issue.position, other.position) }))
      .sort((a, b) => Number(a.other.category !== issue.category) - Number(b.other.category !== issue.category) || a.m - b.m)
      .slice(0, 8),
    [issue.id],
  )
  return (
    <fieldset>
      <legend>{label}</legend>
      {near.map(({ other, m }) => (
        <button type="button" key={other.id} class="button" aria-pressed={value === other.id} onClick={() => set(other.id)}>
          <span class="grow">{other.number} {categoryName(other.category)} {other.place} · {metres(m)}</span>
        </button>
      ))}
      {missing && <span class="wrong" role="alert">{t('needed')}</span>}
    </fieldset>
  )
}

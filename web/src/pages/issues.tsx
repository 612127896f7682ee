// The table and the map beside it, by filters that live in the address.
import { Search, X } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Link, useLocation, useSearchParams } from 'wouter-preact'
import { get, type Problem } from '../api/http'
import { OPEN, STATES } from '../api/lifecycle'
import type { Issue, IssuePage, Unit } from '../api/wire'
import { useKept } from '../keep/kept'
import { office, roles } from '../keep/session'
import { beat, groups, issues, places, take } from '../keep/sync'
import { categoryName, Deadline, Empty, ProblemBox, StateBadge, told, Waiting } from '../parts/bits'
import { IssueMap } from '../parts/lazy-map'
import { Page } from '../shell'
import { language, moment, t, word } from '../words'

const SORTS = ['-created_at', 'deadline', '-updated_at'] as const
// What a paper's numbers lead to: shown as one thing, to be taken away as one.
const COUNTED = ['street', 'recurring', 'happened', 'happened_since', 'happened_until', 'open_at', 'late_at', 'reply_late_at', 'outcome'] as const
const FILTERS = [...COUNTED, 'state', 'category', 'area', 'cell', 'unit', 'overdue', 'unowned', 'photos', 'mine', 'q', 'created_since', 'created_until', 'bbox', 'sort'] as const

export const IssuesPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [items, setItems] = useState<Issue[] | null>(null)
  const [next, setNext] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [chosen, setChosen] = useState(0)
  const [keys, setKeys] = useState(false)
  const units = useKept<Unit[]>('/v1/units', 0, 'items').body ?? []

  const query = useMemo(() => {
    const asked = new URLSearchParams()
    for (const name of FILTERS) for (const value of search.getAll(name)) if (value) asked.append(name, value)
    if (![...asked.keys()].some((name) => name !== 'sort')) asked.set('state', 'open')
    return asked.toString()
  }, [search.toString()])

  const load = async (cursor: string | null) => {
    try {
      const page = await get<IssuePage>(`/v1/issues?${query}&limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
      setItems((now) => (cursor ? [...(now ?? []), ...page.items] : page.items))
      setNext(page.next_cursor)
      setProblem(null)
      void take(page.items, [])
    } catch (error) {
      setProblem(told(error))
      // What the phone has of it, without a network.
      if (!cursor && !COUNTED.some((name) => search.get(name))) setItems((now) => now ?? local(query))
    }
  }
  useEffect(() => {
    setItems(null)
    setChosen(0)
    void load(null)
  }, [query])
  // Rows that changed meanwhile are shown as they are now; new ones come with the next look.
  const shown = useMemo(() => (items ?? []).map((issue) => issues.value.get(issue.id) ?? issue), [items, beat.value])

  const set = (name: string, value: string) => setSearch((now) => {
    const asked = new URLSearchParams(now)
    if (value) asked.set(name, value)
    else asked.delete(name)
    return asked
  }, { replace: true })

  // Read by the keys when they are pressed, so that they act on what is on the screen then.
  const rows = useRef({ shown, chosen })
  rows.current = { shown, chosen }
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { shown, chosen } = rows.current
      if (event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === 'j') setChosen((n) => Math.min(n + 1, shown.length - 1))
      else if (event.key === 'k') setChosen((n) => Math.max(n - 1, 0))
      else if (event.key === 'o' && shown[chosen]) go(`/app/issues/${shown[chosen].id}`)
      else if (event.key === '/') {
        event.preventDefault()
        document.getElementById('q')?.focus()
      } else if (event.key === '?') setKeys((now) => !now)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])

  // The ledger is of the same filter; the order is its own.
  const ledger = new URLSearchParams(query)
  ledger.delete('sort')
  const papers = office.value || roles.value.has('leader')
  const tiles = new URLSearchParams()
  for (const name of ['state', 'category']) for (const value of new URLSearchParams(query).getAll(name)) tiles.append(name, value)
  if (search.get('overdue')) tiles.set('overdue', 'true')
  const openStates = new URLSearchParams(query).getAll('state').every((state) => state === 'open' || OPEN.includes(state))
  const cells = places.value.filter((place) => place.properties.kind === 'cell' && (!search.get('area') || place.properties.parent === search.get('area')))
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  const state = search.get('state') ?? (query === 'state=open' ? 'open' : '')

  return (
    <Page title={t('issues')} wide>
      <form class="row no-print" role="search" onSubmit={(event) => event.preventDefault()}>
        <label class="grow"><span class="hidden">{t('search')}</span><input id="q" type="search" placeholder={t('search-issues')} defaultValue={search.get('q') ?? ''} onChange={(event) => set('q', event.currentTarget.value.trim())} /></label>
        <Pick label={t('state')} value={state} onPick={(value) => set('state', value)} options={['open', ...STATES].map((name) => [name, name === 'open' ? t('open-all') : word('state', name)])} />
        <Pick label={t('category')} value={search.get('category') ?? ''} onPick={(value) => set('category', value)} options={groups.value.flatMap((group) => group.categories.map((category) => [category.code, `${group.name[language()]} · ${category.name[language()]}`] as const))} />
        {areas.length > 1 && <Pick label={t('area')} value={search.get('area') ?? ''} onPick={(value) => set('area', value)} options={areas.map((place) => [place.id, place.properties.name])} />}
        <Pick label={t('cell')} value={search.get('cell') ?? ''} onPick={(value) => set('cell', value)} options={cells.map((place) => [place.id, place.properties.name])} />
        <Pick label={t('unit')} value={search.get('unit') ?? ''} onPick={(value) => set('unit', value)} options={units.map((unit) => [unit.id, unit.name])} />
        <Pick label={t('sort')} value={search.get('sort') ?? '-created_at'} onPick={(value) => set('sort', value)} options={SORTS.map((name) => [name, t(`sort-${name}`)])} needed />
        <button type="button" class="button small" aria-pressed={search.get('overdue') === 'true'} onClick={() => set('overdue', search.get('overdue') ? '' : 'true')}>{t('overdue')}</button>
        <button type="button" class="button small" aria-pressed={search.get('unowned') === 'true'} onClick={() => set('unowned', search.get('unowned') ? '' : 'true')}>{t('unowned')}</button>
        <button type="button" class="button small" aria-pressed={search.get('photos') === 'missing'} onClick={() => set('photos', search.get('photos') ? '' : 'missing')}>{t('lacks-photo')}</button>
        {COUNTED.some((name) => search.get(name)) && <button type="button" class="button small" aria-pressed="true" onClick={() => setSearch((now) => new URLSearchParams([...now].filter(([name]) => !(COUNTED as readonly string[]).includes(name))), { replace: true })}>{t('counted-in')}<X class="icon" aria-hidden="true" /></button>}
        {papers && (['xlsx', 'csv'] as const).map((kind) => <a key={kind} class="button small" href={`/v1/ledger.${kind}?${ledger}`} download>{t(`ledger-${kind}`)}</a>)}
        {papers && <a class="button small" href={`/v1/archive.zip?${ledger}`} download>{t('archive')}</a>}
        {search.get('bbox') && <button type="button" class="button small" aria-pressed="true" onClick={() => set('bbox', '')}>{t('in-the-map')} ×</button>}
        <button type="button" class="button small" aria-pressed={keys} onClick={() => setKeys(!keys)}><kbd>?</kbd><span class="hidden">{t('shortcuts')}</span></button>
      </form>
      {keys && <p class="card" role="status"><span><kbd>j</kbd> <kbd>k</kbd> {t('key-move')} · <kbd>o</kbd> {t('key-open')} · <kbd>/</kbd> {t('key-search')} · <kbd>?</kbd> {t('shortcuts')}</span></p>}
      <ProblemBox problem={problem} />
      <div class="beside">
        <div class="items">
          {items === null ? <Waiting /> : shown.length === 0 ? <Empty title={t('nothing-found')} /> : (
            <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('issues') })}>
              <table>
                <thead><tr><th scope="col">{t('number')}</th><th scope="col">{t('category')}</th><th scope="col">{t('state')}</th><th scope="col">{t('place')}</th><th scope="col">{t('unit')}</th><th scope="col">{t('found')}</th></tr></thead>
                <tbody>
                  {shown.map((issue, n) => (
                    <tr key={issue.id} aria-selected={n === chosen}>
                      <td><Link href={`/app/issues/${issue.id}`}>{issue.number}</Link></td>
                      <td>{categoryName(issue.category)}</td>
                      <td><StateBadge state={issue.state} outcome={issue.outcome} /> <Deadline issue={issue} />{issue.evidence_missing && <> <span class="badge late">{t('lacks-photo')}</span></>}</td>
                      <td>{issue.cell?.name} {issue.place}</td>
                      <td>{issue.unit?.name ?? issue.assignee?.name ?? '–'}</td>
                      <td>{moment(issue.created_at)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {next && <button class="button" onClick={() => void load(next)}>{t('next-page')}</button>}
        </div>
        <div class="items">
          <IssueMap filter={openStates ? tiles.toString().replace('state=open', '').replace(/^&/, '') : ''} onIssue={(id) => go(`/app/issues/${id}`)}
            onMoved={(box) => (area = box)} />
          <button class="button small" onClick={() => area && set('bbox', area.map((v) => v.toFixed(5)).join(','))}><Search class="icon" aria-hidden="true" />{t('search-here')}</button>
        </div>
      </div>
    </Page>
  )
}
// Where the map stands: asked for when it is searched, and no reason to draw anything anew.
let area: [number, number, number, number] | null = null

/** The filters that can be answered from what lies on the phone. */
function local(query: string): Issue[] {
  const asked = new URLSearchParams(query)
  const states = asked.getAll('state')
  return [...issues.value.values()]
    .filter((issue) => !states.length || states.includes(issue.state) || (states.includes('open') && OPEN.includes(issue.state)))
    .filter((issue) => !asked.get('category') || issue.category === asked.get('category'))
    .filter((issue) => !asked.get('cell') || issue.cell?.id === asked.get('cell'))
    .filter((issue) => !asked.get('unit') || issue.unit?.id === asked.get('unit'))
    .filter((issue) => !asked.get('overdue') || issue.overdue)
    .filter((issue) => !asked.get('photos') || issue.evidence_missing)
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .slice(0, 200)
}

interface PickProps {
  label: string
  value: string
  options: readonly (readonly [string, string])[]
  onPick: (value: string) => void
  needed?: boolean
}

const Pick: FunctionComponent<PickProps> = ({ label, value, options, onPick, needed }) => (
  <label style={{ flex: '0 1 9.5rem', minWidth: 0 }}><span class="hidden">{label}</span>
    <select value={value} onInput={(event) => onPick(event.currentTarget.value)}>{!needed && <option value="">{label}</option>}{options.map(([code, name]) => <option key={code} value={code}>{name}</option>)}</select>
  </label>
)

// The table and the map beside it, by filters that live in the address.
import { Search, X } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Link, useLocation, useSearchParams } from 'wouter-preact'
import { get } from '../api/http'
import { OPEN, STATES } from '../api/lifecycle'
import type { IssuePage, Unit } from '../api/wire'
import { usePages } from '../keep/asking'
import { now } from '../keep/clock'
import { judge } from '../keep/filtering'
import { useKept } from '../keep/kept'
import { office, roles } from '../keep/session'
import { isShortcut, shortcuts } from '../keep/shortcuts'
import { tick } from '../keep/ticking'
import { beat, groups, heardAt, issues, mine, places, take } from '../keep/sync'
import { announce } from '../parts/announcing'
import { categoryName, Deadline, Empty, ProblemBox, StateBadge, told, Waiting } from '../parts/bits'
import { IssueMap } from '../parts/lazy-map'
import { Page } from '../shell'
import { language, listed, moment, t, word } from '../words'

const SORTS = ['-created_at', 'deadline', '-updated_at'] as const
// What a paper's numbers lead to: shown as one thing, to be taken away as one.
const COUNTED = ['street', 'recurring', 'happened', 'happened_since', 'happened_until', 'open_at', 'late_at', 'reply_late_at', 'outcome'] as const
const FILTERS = [...COUNTED, 'state', 'category', 'area', 'cell', 'unit', 'assignee', 'premises', 'overdue', 'unowned', 'photos', 'mine', 'q', 'created_since', 'created_until', 'bbox', 'sort'] as const
/** Rows of a page, also of a list from the phone. */
const ROWS = 50

export const IssuesPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [chosen, setChosen] = useState(0)
  const [keys, setKeys] = useState(false)
  const units = useKept<Unit[]>('/v1/units', 0, 'items').body ?? []

  const query = useMemo(() => {
    const asked = new URLSearchParams()
    for (const name of FILTERS) for (const value of search.getAll(name)) if (value) asked.append(name, value)
    if (![...asked.keys()].some((name) => name !== 'sort')) asked.set('state', 'open')
    return asked.toString()
  }, [search.toString()])

  const pages = usePages(query, async (asked, cursor) => {
    const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const page = await get<IssuePage>(`/v1/issues?${asked}&limit=${ROWS}${from}`)
    void take(page.items, [])
    return page
  }, told)
  const { items, problem, busy } = pages
  // What the phone can say to the same question where the server cannot be reached; never in the
  // place of what the server has said.
  const away = items === null && problem === 'unreachable'
  const [most, setMost] = useState(ROWS)
  const kept = useMemo(
    () => {
      if (!away) return null
      const known = { issues: issues.value.values(), mine: mine.value, places: places.value }
      return judge(new URLSearchParams(query), { ...known, now: now().getTime() })
    },
    [away, query, beat.value, places.value, tick.value],
  )
  useEffect(() => {
    setChosen(0)
    setMost(ROWS)
  }, [query])
  // Rows that changed meanwhile are shown as they are now; new ones come with the next look.
  const shown = useMemo(
    () => kept?.items.slice(0, most) ?? (items ?? []).map((issue) => issues.value.get(issue.id) ?? issue),
    [kept, most, items, beat.value],
  )
  const next = kept ? kept.items.length > most : pages.next !== null
  const more = () => (kept ? setMost(most + ROWS) : pages.more())
  const answered = kept ? kept.unable.length === 0 : items !== null
  useEffect(() => {
    if (answered) announce(t(next ? 'found-n-more' : 'found-n', { n: shown.length }))
  }, [answered, query, shown.length])

  const set = (name: string, value: string) => setSearch((now) => {
    const asked = new URLSearchParams(now)
    if (value) asked.set(name, value)
    else asked.delete(name)
    return asked
  }, { replace: true })

  // Gone back to, the box says what the list is filtered by.
  const words = search.get('q') ?? ''
  useEffect(() => {
    const box = document.getElementById('q') as HTMLInputElement | null
    if (box && box.value.trim() !== words) box.value = words
  }, [words])

  // Read by the keys when they are pressed, so that they act on what is on the screen then.
  const rows = useRef({ shown, chosen })
  rows.current = { shown, chosen }
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { shown, chosen } = rows.current
      if (!isShortcut(event)) return
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
        <button type="button" class="button small" aria-expanded={keys} onClick={() => setKeys(!keys)}><kbd aria-hidden="true">?</kbd><span class="hidden">{t('shortcuts')}</span></button>
      </form>
      {keys && (
        <p class="card" role="status">
          {shortcuts.value ? <span><kbd>j</kbd> <kbd>k</kbd> {t('key-move')} · <kbd>o</kbd> {t('key-open')} · <kbd>/</kbd> {t('key-search')} · <kbd>?</kbd> {t('shortcuts')}</span> : <span>{t('shortcuts-off')}</span>}
          <Link href="/app/me">{t('settings')}</Link>
        </p>
      )}
      {!kept && <ProblemBox problem={problem} />}
      {kept && (
        <p class="card" role="status">
          {kept.unable.length > 0
            ? t('cannot-filter', { filters: listed([...new Set(kept.unable.map(filterName))]) })
            : t('from-phone', { at: heardAt.value ? moment(new Date(heardAt.value)) : '–' })}
        </p>
      )}
      <div class="beside">
        <div class="items">
          {!answered ? (problem === null ? <Waiting /> : null) : shown.length === 0 ? <Empty title={t(kept ? 'nothing-on-phone' : 'nothing-found')} /> : (
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
          {next && <button class="button" disabled={busy} onClick={more}>{t('next-page')}</button>}
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

/** What a filter is called on this screen; what a paper's numbers are made of has one name. */
function filterName(name: string): string {
  if ((COUNTED as readonly string[]).includes(name)) return t('counted-in')
  const names: Record<string, string> = {
    state: t('state'), category: t('category'), area: t('area'), cell: t('cell'), unit: t('unit'),
    assignee: t('assignee'), premises: t('premises'), overdue: t('overdue'), photos: t('lacks-photo'), unowned: t('unowned'),
    mine: t('mine'), q: t('search'), bbox: t('in-the-map'), created_since: t('found'),
    created_until: t('found'),
  }
  return names[name] ?? name
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

// A list of issues from what lies on the phone, by the filters of `GET /v1/issues`. A filter that
// cannot be judged from that is named, and then there is no list: a list that ignores a filter says
// what is not so.
import { OPEN, STATES } from '../api/lifecycle'
import type { Feature, Issue } from '../api/wire'
import { isOverdue } from './overdue'

export interface Known {
  issues: Iterable<Issue>
  /** Ids of what the caller reported. */
  mine: ReadonlySet<string>
  /** Areas and cells. */
  places: readonly Feature[]
  /** The instant by which overdue is reckoned. */
  now: number
}

export interface Judged {
  items: Issue[]
  /** Filters that were asked for and cannot be judged here. */
  unable: string[]
}

type Test = (issue: Issue) => boolean
/** The test for a filter's values; null when it cannot be judged. */
type Filter = (values: string[], known: Known) => Test | null

const yesOrNo =
  (test: (issue: Issue, known: Known) => boolean): Filter =>
  ([value], known) =>
    value === 'true'
      ? (issue) => test(issue, known)
      : value === 'false'
        ? (issue) => !test(issue, known)
        : null

const sameId =
  (of: (issue: Issue) => string | undefined): Filter =>
  ([value]) =>
  (issue) =>
    of(issue) === value

const instant =
  (test: (created: number, at: number) => boolean): Filter =>
  ([value]) => {
    const at = Date.parse(value!)
    return Number.isNaN(at) ? null : (issue) => test(Date.parse(issue.created_at), at)
  }

const byState: Filter = (values) => {
  if (values.some((value) => value !== 'open' && !(STATES as readonly string[]).includes(value)))
    return null
  return ({ state }) => values.includes(state) || (values.includes('open') && OPEN.includes(state))
}

/** The area and everything below it, as far as the phone knows the areas. */
const byArea: Filter = ([value], { places }) => {
  const areas = places.filter((place) => place.properties.kind === 'area')
  if (!areas.some((area) => area.id === value)) return null
  const within = new Set([value])
  for (let size = 0; size < within.size;) {
    size = within.size
    for (const area of areas) if (within.has(area.properties.parent ?? '')) within.add(area.id)
  }
  return (issue) => issue.area !== null && within.has(issue.area.id)
}

/** A box that crosses the date line has its west east of its east. */
const byBox: Filter = ([value]) => {
  const sides = value!.split(',').map(Number)
  if (sides.length !== 4 || sides.some((side) => !Number.isFinite(side))) return null
  const [west, south, east, north] = sides as [number, number, number, number]
  const across = (lon: number) =>
    west <= east ? lon >= west && lon <= east : lon >= west || lon <= east
  return ({ position: { lat, lon } }) => across(lon) && lat >= south && lat <= north
}

/** As people type it, as the server's search_text reads it: width and case of letters do not count, nor which dash or
 * quotation mark it is, nor what has no width. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, '')
    .replace(/ß/g, 'ss')
    .replace(/ς/g, 'σ')
    .replace(/[‐-―⁃−ー]/g, '-')
    .replace(/〜/g, '~')
    .replace(/[“”„]/g, '"')
    .replace(/[‘’]/g, "'")

/** Every word stands in note, place or number, in any order. */
const byWords: Filter = ([value]) => {
  const words = plain(value!).split(/\s+/).filter(Boolean)
  return ({ note, place, number }) => {
    const text = plain(`${note}\n${place}\n${number}`)
    return words.every((word) => text.includes(word))
  }
}

/** The place without its number, else the cell, as papers name it. */
const streetOf = ({ place, cell }: Issue): string | undefined =>
  place.replace(/[0-9０-９]+\s*(号|栋|幢|单元|室|-).*$/s, '').trim() || cell?.name || undefined

const FILTERS: Record<string, Filter> = {
  state: byState,
  category: (values) => (issue) => values.includes(issue.category),
  area: byArea,
  cell: sameId((issue) => issue.cell?.id),
  unit: sameId((issue) => issue.unit?.id),
  assignee: sameId((issue) => issue.assignee?.id),
  premises: sameId((issue) => issue.premises?.id),
  mine: yesOrNo((issue, { mine }) => mine.has(issue.id)),
  overdue: yesOrNo((issue, { now }) => isOverdue(issue, now)),
  unowned: yesOrNo(
    ({ unit, assignee, state }) => !unit && !assignee && ['reported', 'accepted'].includes(state),
  ),
  recurring: yesOrNo((issue) => issue.recurrences > 0),
  photos: ([value]) => (value === 'missing' ? (issue) => issue.evidence_missing : null),
  outcome: ([value]) => (issue) => issue.outcome === value,
  bbox: byBox,
  q: byWords,
  street:
    ([value]) =>
    (issue) =>
      streetOf(issue) === value,
  created_since: instant((created, at) => created >= at),
  created_until: instant((created, at) => created < at),
}

const later = (a: string, b: string): number => Date.parse(b) - Date.parse(a)
const due = ({ deadline }: Issue): number => (deadline === null ? Infinity : Date.parse(deadline))
const byId = (a: Issue, b: Issue): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
const SORTS: Record<string, (a: Issue, b: Issue) => number> = {
  '-created_at': (a, b) => later(a.created_at, b.created_at) || byId(b, a),
  '-updated_at': (a, b) => later(a.updated_at, b.updated_at) || byId(b, a),
  deadline: (a, b) => (due(a) === due(b) ? 0 : due(a) - due(b)) || byId(a, b),
}

/** What the phone can say to a question that it would put to the server. */
export function judge(asked: URLSearchParams, known: Known): Judged {
  const tests: Test[] = []
  const unable: string[] = []
  for (const name of new Set(asked.keys())) {
    if (name === 'sort' || name === 'limit') continue
    // What is asked by an empty value is not asked.
    const values = asked.getAll(name).filter(Boolean)
    if (!values.length) continue
    const test = FILTERS[name]?.(values, known) ?? null
    if (test) tests.push(test)
    else unable.push(name)
  }
  if (unable.length) return { items: [], unable }
  const sort = SORTS[asked.get('sort') ?? ''] ?? SORTS['-created_at']!
  return {
    items: [...known.issues].filter((issue) => tests.every((test) => test(issue))).sort(sort),
    unable,
  }
}

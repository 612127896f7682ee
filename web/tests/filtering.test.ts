// Lists from what lies on the phone: every filter that can be judged, and the names of those that
// cannot.
import { expect, test } from 'vitest'
import { judge, type Known } from '../src/keep/filtering'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const made = (id: string, what: Record<string, unknown> = {}) => ({
  id,
  number: `2026-00000${id}`,
  state: 'reported',
  category: 'litter',
  position: { lat: 24.6, lon: 102.9 },
  cell: { id: 'c1', name: '网格一组' },
  area: { id: 'a2', name: '东浦' },
  place: '',
  note: '',
  unit: null,
  assignee: null,
  premises: null,
  deadline: null,
  overdue: false,
  recurrences: 0,
  created_at: '2026-11-20T00:00:00Z',
  updated_at: '2026-11-20T00:00:00Z',
  ...what,
})
const place = (id: string, parent: string | null) => ({
  id,
  properties: { kind: 'area', parent, name: id },
})
const PLACES = [place('a1', null), place('a2', 'a1'), place('a3', 'a2'), place('b1', null)]

function found(query: string, issues: object[], mine: string[] = []): string {
  const known = { issues, mine: new Set(mine), places: PLACES, now: NOW } as unknown as Known
  const { items, unable } = judge(new URLSearchParams(query), known)
  return unable.length ? `cannot: ${unable.join()}` : items.map(({ id }) => id).join()
}

test.each([
  ['q', 'q=垃圾桶', { note: '东门垃圾桶旁' }],
  ['q in full width, other case and order', 'q=abc 12号', { note: '东门１２号', place: 'ＡＢＣ' }],
  ['a number with another dash', 'q=2026－000001', {}],
  ['blanks around', 'q=%20垃圾桶%20', { note: '垃圾桶' }],
  ['unowned', 'unowned=true', {}],
  ['owned', 'unowned=false', { unit: { id: 'u', name: '环卫' } }],
  ['box', 'bbox=102.8,24.5,103,24.7', {}],
  ['box across the date line', 'bbox=100,20,-170,30', {}],
  ['created since', 'created_since=2026-11-20T00:00:00Z', {}],
  ['created until, in another zone', 'created_until=2026-11-20T09:00:00%2B08:00', {}],
  ['area below', 'area=a1', { area: { id: 'a3', name: '' } }],
  ['assignee', 'assignee=p', { assignee: { id: 'p', name: '张' } }],
  ['premises', 'premises=s', { premises: { id: 's', name: '店' } }],
  ['recurring', 'recurring=true', { recurrences: 2 }],
  ['street', 'street=东浦巷', { place: '东浦巷12号' }],
  ['street is the cell where no place is named', 'street=网格一组', {}],
  [
    'overdue by the clock, whatever the server said when',
    'overdue=true',
    { deadline: '2026-11-25T11:59:59Z' },
  ],
  [
    'not overdue once it is mended',
    'overdue=false',
    { state: 'rectified', deadline: '2026-11-01T00:00:00Z', overdue: true },
  ],
  ['two states', 'state=closed&state=reported', {}],
  ['two categories', 'category=x&category=litter', {}],
])('%s: what fits is listed', (_, query, what) => {
  expect(found(query, [made('1', what)])).toBe('1')
})

test.each([
  ['q', 'q=路灯'],
  ['q of words of which one is missing', 'q=垃圾 路灯'],
  ['owned', 'unowned=false'],
  ['box', 'bbox=0,0,1,1'],
  ['created since', 'created_since=2026-11-20T00:00:01Z'],
  ['created until', 'created_until=2026-11-20T00:00:00Z'],
  ['area', 'area=b1'],
  ['assignee', 'assignee=p'],
  ['premises', 'premises=s'],
  ['recurring', 'recurring=true'],
  ['street', 'street=人民路'],
  ['overdue', 'overdue=true'],
  ['mine', 'mine=true'],
  ['state', 'state=closed'],
  ['unit', 'unit=u'],
  ['cell', 'cell=c2'],
])('%s: what does not fit is not listed', (_, query) => {
  expect(found(query, [made('1', { note: '垃圾' })])).toBe('')
})

test.each([
  'happened=closed',
  'open_at=2026-11-20T00:00:00Z',
  'late_at=2026-11-20T00:00:00Z',
  'area=unknown',
  'bbox=1,2,3',
  'created_since=yesterday',
  'overdue=perhaps',
  'state=nothing',
  'colour=red',
])('%s cannot be judged here: it is named, and nothing is listed', (query) => {
  expect(found(`state=open&${query}`, [made('1')])).toBe(
    query.startsWith('state') ? 'cannot: state' : `cannot: ${query.split('=')[0]}`,
  )
})

test('mine is what the caller reported', () => {
  expect(found('mine=true', [made('1'), made('2')], ['2'])).toBe('2')
})

test.each([
  ['', '3,2,1'],
  ['-created_at', '3,2,1'],
  ['-updated_at', '1,3,2'],
  ['deadline', '2,1,3'],
])('sorted by %s', (sort, order) => {
  const issues = [
    made('1', {
      created_at: '2026-11-01T00:00:00Z',
      updated_at: '2026-11-24T00:00:00Z',
      deadline: '2026-11-30T00:00:00+08:00',
    }),
    made('2', {
      created_at: '2026-11-02T00:00:00Z',
      updated_at: '2026-11-02T00:00:00Z',
      deadline: '2026-11-29T15:00:00Z',
    }),
    made('3', { created_at: '2026-11-03T00:00:00Z', updated_at: '2026-11-03T00:00:00Z' }),
  ]
  expect(found(sort ? `sort=${sort}` : '', issues)).toBe(order)
})

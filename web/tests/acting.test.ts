// Which button comes first, by the clock and not by what the server said a while ago.
import { expect, test, vi } from 'vitest'
import type { Issue } from '../src/api/wire'

const issue = (deadline: number): Issue =>
  ({
    state: 'assigned',
    overdue: false,
    deadline: new Date(deadline).toISOString(),
    unit: { id: 'u', name: 'Unit' },
    assignee: null,
    extension_until: null,
    actions: ['rectify', 'assign', 'comment'],
  }) as unknown as Issue

test('a unit whose time has passed meanwhile is reminded first', async () => {
  vi.stubGlobal('navigator', { language: 'en', onLine: true })
  vi.stubGlobal('addEventListener', () => {})
  const { called, ranked } = await import('../src/parts/acting')
  const { me } = await import('../src/keep/session')
  me.value = { id: 'leader', roles: [] } as never
  const late = issue(Date.now() - 60_000)
  expect(ranked(late)[0]).toBe('comment')
  expect(called(late, 'comment')).toBe('Remind with a comment')
  const inTime = issue(Date.now() + 60_000)
  expect(ranked(inTime)[0]).toBe('assign')
  expect(called(inTime, 'comment')).toBe('Comment')
})

test('a name for everybody is asked where everybody reads it, and a poster offered where it leads somewhere', async () => {
  const { atOnce, ranked, shownToAll } = await import('../src/parts/acting')
  const { me } = await import('../src/keep/session')
  const { groups, places } = await import('../src/keep/sync')
  const one = { ...issue(Date.now()), state: 'reported', category: 'litter', area: { id: 'a' }, actions: ['accept', 'name_place'] } as unknown as Issue
  me.value = { id: 'leader', roles: [], published: true } as never
  const set = (publishes: string, public_precision_m = 10) => {
    places.value = [{ id: 'a', properties: { publishes } }] as never
    groups.value = [{ code: 'g', categories: [{ code: 'litter', public_precision_m }] }] as never
    return [atOnce(one, 'accept'), ranked(one).includes('name_place'), shownToAll({ ...one, state: 'accepted' } as Issue)]
  }
  expect(set('nothing')).toEqual([true, false, false])
  expect(set('issues')).toEqual([true, false, true])
  expect(set('places')).toEqual([false, true, true])
  expect(set('places', 50)).toEqual([true, false, true])
  expect(shownToAll(one)).toBe(false)
})

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

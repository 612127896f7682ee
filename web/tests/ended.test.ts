// Access that somebody else has ended: the phone may be in other hands. What was read goes, what was
// not sent is kept and shows itself only to its owner.
import 'fake-indexeddb/auto'
import { beforeEach, expect, test, vi } from 'vitest'
import { database, fact, setFact } from '../src/keep/database'
import { look, others, own } from '../src/keep/sending'
import { ended, me, phase, refresh, sessionOver, signIn, startSession } from '../src/keep/session'
import { becomes, gone, json, problem, serve } from './answering'

const account = (id: string) => ({
  id, name: id, account: id, roles: [], cells: [], units: [], published: false,
})
const entry = {
  id: 'e', account: 'one', made_at: 1, kind: 'report', method: 'PUT', path: '/v1/reports/e', body: { note: '只有本人知道' },
  headers: {}, issue: 'e', name: 'litter', photos: ['p'], state: 'waiting', problem: null, tries: 0,
}
const deleted = vi.fn(async (_: string) => true)
const settled = () => new Promise((done) => setTimeout(done, 30))

beforeEach(async () => {
  const db = await database()
  for (const store of ['kept', 'facts', 'issues', 'outbox', 'photos'] as const)
    await db.clear(store)
  ended.value = null
  deleted.mockClear()
  vi.stubGlobal('caches', { delete: deleted })
  await becomes('one')
  await db.put('kept', { path: '/v1/people', at: Date.now(), body: [{ phone: '13800000000' }] })
  await db.put('kept', { path: '/v1/categories', at: Date.now(), body: [] })
  await db.put('issues', { id: 'i' } as never)
  await db.add('outbox', entry as never)
  await db.put('photos', { id: 'p', account: 'one', blob: new Blob(['x']), offset: 0, state: 'waiting', problem: null, at: 1 })
})

/** Only what is the same for everybody is left of what was read, and of what was made everything. */
async function expectSealed(): Promise<void> {
  const db = await database()
  expect(await db.getAllKeys('kept')).toEqual(['/v1/categories'])
  expect(await db.getAllKeys('issues')).toEqual([])
  expect(deleted).toHaveBeenCalledWith('pictures')
  for (const key of ['me', 'account', 'cursor', 'push-for']) expect(await fact(key)).toBeUndefined()
  expect((await db.getAll('outbox')).map(({ id }) => id)).toEqual(['e'])
  expect(await db.getAllKeys('photos')).toEqual(['p'])
  expect([me.value, phase.value]).toEqual([null, 'out'])
  await look()
  expect(own.value).toEqual([])
  expect(others.value).toBe(1)
}

test.each(['account-closed', 'session-ended'] as const)('%s: the phone shows nothing more and keeps what was not sent', async (slug) => {
  serve(() => problem(401, slug))
  await refresh()
  await expectSealed()
  expect(ended.value).toEqual({ why: slug, unsent: 2 })
  // And so it is when the page is opened anew, without a network too.
  serve(gone)
  ended.value = null
  phase.value = 'starting'
  await startSession()
  expect([me.value, phase.value]).toEqual([null, 'out'])
  expect(ended.value).toEqual({ why: slug, unsent: 2 })
})

test('an answer that does not say why is followed by the question', async () => {
  const { asked } = serve(() => problem(401, 'account-closed'))
  await sessionOver('one')
  await settled()
  expect(asked.map(({ path }) => path)).toEqual(['/v1/me'])
  await expectSealed()
})

test('what the service worker has learned while no page was open is asked after', async () => {
  await setFact('signed-out', true)
  serve(() => problem(401, 'session-ended'))
  phase.value = 'starting'
  me.value = null
  await startSession()
  await settled()
  await expectSealed()
})

test('a session that has only run out goes on where it was', async () => {
  serve(() => problem(401, 'sign-in'))
  await refresh()
  await settled()
  expect([me.value?.id, phase.value, ended.value]).toEqual(['one', 'over', null])
  expect(await (await database()).getAllKeys('issues')).toEqual([])
  await look()
  expect(own.value.map(({ id }) => id)).toEqual(['e'])
})

test('the same account finds its work again, another does not', async () => {
  serve(() => problem(401, 'session-ended'))
  await refresh()
  for (const who of ['two', 'one']) {
    serve(({ method }) =>
      method === 'POST' ? json({ token: 't', expires_at: '2027-01-01T00:00:00Z', account: account(who) }, 201) : json(account(who)),
    )
    await signIn(who, 'secret')
    await look()
    expect([own.value.length, ended.value]).toEqual([who === 'one' ? 1 : 0, null])
  }
  expect(await fact('ended')).toBeUndefined()
})

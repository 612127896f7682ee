// What of the server's answers a phone keeps: for how long, how many, and for whom.
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { database, setFact } from '../src/keep/database'
import { fetchKept, KEPT_MS, MOST_KEPT, PERSONAL_MS, read, sweepKept } from '../src/keep/kept'
import { me } from '../src/keep/session'
import { becomes, json, problem, serve } from './answering'

beforeEach(async () => {
  const db = await database()
  for (const store of ['kept', 'facts', 'issues'] as const) await db.clear(store)
  await becomes('one')
})
afterEach(() => vi.useRealTimers())

/** Time goes on without a wait; the store's own timers run as ever. */
const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
const paths = async () => (await (await database()).getAllKeys('kept')).sort()

test('people and their phone numbers are kept for a day, other answers for two weeks', async () => {
  serve(() => json({ items: [] }))
  await fetchKept('/v1/people')
  await fetchKept('/v1/issues?area=1')
  later(PERSONAL_MS + 60_000)
  expect(await read('/v1/people')).toBeNull()
  expect(await read('/v1/issues?area=1')).not.toBeNull()
  await sweepKept()
  expect(await paths()).toEqual(['/v1/issues?area=1'])
  later(KEPT_MS)
  await sweepKept()
  expect(await paths()).toEqual([])
})

test('the oldest answers go when there are too many; what everybody may read stays', async () => {
  serve(() => json({ items: [] }))
  await fetchKept('/v1/categories')
  for (let n = 0; n < MOST_KEPT + 10; n++) {
    later(1_000)
    await fetchKept(`/v1/issues?cell=${n}`)
  }
  await sweepKept()
  const kept = await paths()
  expect(kept).toHaveLength(MOST_KEPT)
  expect(kept).toContain('/v1/categories')
  expect(kept).toContain(`/v1/issues?cell=${MOST_KEPT + 9}`)
  expect(kept).not.toContain('/v1/issues?cell=0')
})

test('an answer that comes after the phone has changed hands is not kept', async () => {
  const asked = serve(() => json({ items: ['of the first'] }), { held: true })
  const reading = fetchKept('/v1/people')
  await becomes('two')
  asked.release()
  await reading
  expect(await paths()).toEqual([])
})

test('nor one that comes after another window has given the phone to another account', async () => {
  const asked = serve(() => json({ items: ['of the first'] }), { held: true })
  const reading = fetchKept('/v1/people')
  await setFact('account', 'two')
  expect(me.value?.id).toBe('one')
  asked.release()
  await reading
  expect(await paths()).toEqual([])
})

test('what the caller may read no more is not kept either', async () => {
  serve(() => json({ items: [1] }))
  await fetchKept('/v1/people')
  expect(await paths()).toEqual(['/v1/people'])
  serve(() => problem(403, 'forbidden'))
  await expect(fetchKept('/v1/people')).rejects.toThrow()
  expect(await paths()).toEqual([])
})

test('of two answers the one asked for last is kept, in whatever order they come', async () => {
  let n = 0
  const first = serve(() => json({ items: [(n += 1)] }), { held: true })
  const slow = fetchKept('/v1/channels')
  serve(() => json({ items: ['new'] }))
  await fetchKept('/v1/channels')
  first.release()
  await slow
  expect(await read('/v1/channels')).toEqual({ items: ['new'] })
})

test('an answer that another version kept in another shape is not read', async () => {
  await (
    await database()
  ).put('kept', { path: '/v1/black-spots', at: Date.now(), body: ['of old'] })
  expect(await read('/v1/black-spots')).toBeNull()
})

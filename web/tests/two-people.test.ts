// One phone, two people: what one of them made is never sent in the other's name.
import { beforeEach, expect, test, vi } from 'vitest'
import type { NewEntry } from '../src/keep/outbox'
import { ours, problem, serve } from './server'

let store: typeof import('../src/keep/database')
let outbox: typeof import('../src/keep/outbox')
let session: typeof import('../src/keep/session')
beforeEach(async () => {
  vi.stubGlobal('navigator', { language: 'en', onLine: true })
  vi.stubGlobal('BroadcastChannel', undefined)
  store = await import('../src/keep/database')
  outbox = await import('../src/keep/outbox')
  session = await import('../src/keep/session')
  await becomes('one')
})
async function becomes(id: string): Promise<void> {
  await store.setFact('account', id)
  session.me.value = { id, roles: [] } as never
  session.phase.value = 'in'
}
const actionOf = (id: string, issue: string): NewEntry => ({
  id,
  kind: 'action',
  method: 'POST',
  path: `/v1/issues/${issue}/actions`,
  body: { action: 'comment', note: id },
  headers: { 'idempotency-key': id },
  issue,
  name: 'comment',
  photos: [],
})
async function picture(id: string, account: string, size = 10): Promise<void> {
  const blob = new Blob([new Uint8Array(size)], { type: 'image/jpeg' })
  await (
    await store.database()
  ).put('photos', {
    id,
    account,
    blob,
    offset: 0,
    state: 'waiting',
    problem: null,
    at: Date.now(),
  })
}

test('the next person comes while the words of the former are being sent', async () => {
  const asked = serve(async (one) => {
    if (one.path === '/v1/issues/a/actions') await becomes('two')
    return ours(one)
  })
  await outbox.enqueue('one', actionOf('x', 'a'))
  await outbox.enqueue('one', actionOf('y', 'b'))
  await outbox.flush('one')
  expect(asked.map((one) => one.path)).toEqual(['/v1/issues/a/actions'])
  await outbox.flush('two')
  expect((await outbox.entries()).map((entry) => entry.id)).toEqual(['y'])
})

test('the former signs out while it is being sent', async () => {
  const asked = serve(async (one) => {
    await store.setFact('account', undefined)
    return ours(one)
  })
  await outbox.enqueue('one', actionOf('x', 'a'))
  await outbox.enqueue('one', actionOf('y', 'b'))
  await outbox.flush('one')
  expect(asked).toHaveLength(1)
})

test('the next person comes while a large picture of the former is being sent', async () => {
  const asked = serve(async (one) => {
    if (one.method === 'POST') await becomes('two')
    return ours(one)
  })
  await picture('p', 'one', 300_000)
  await outbox.flush('one')
  expect(asked.map((one) => one.method)).toEqual(['POST'])
  const kept = await (await store.database()).get('photos', 'p')
  expect(kept).toMatchObject({ state: 'waiting', problem: null })
})

test('the end of the session of the former is not that of the next person', async () => {
  serve(async () => {
    await becomes('two')
    return problem(401, 'sign-in')
  })
  const told: unknown[] = []
  outbox.onStep((step) => told.push(step.kind))
  await outbox.enqueue('one', actionOf('x', 'a'))
  await outbox.flush('one')
  expect(await store.fact('signed-out')).toBeUndefined()
  expect(told).not.toContain('signed-out')
})

test('a draft that is looked for under one account is not the next one’s', async () => {
  const drafts = await import('../src/keep/draft')
  await store.setFact('draft:one', { ...drafts.BLANK, id: 'd', note: 'of the first' })
  const looking = drafts.loadDraft()
  session.me.value = { id: 'two', roles: [] } as never
  await looking
  expect(drafts.draft.value).toBeNull()
})

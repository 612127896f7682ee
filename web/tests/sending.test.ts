import { beforeEach, describe, expect, test, vi } from 'vitest'
import { deleteDB } from 'idb'
import type { NewEntry } from '../src/keep/outbox'
import { html, json, ours, problem, serve, silence } from './server'

let store: typeof import('../src/keep/database')
let sending: typeof import('../src/keep/sending')
let outbox: typeof import('../src/keep/outbox')
beforeEach(async () => {
  vi.stubGlobal('addEventListener', () => {})
  vi.stubGlobal('navigator', { language: 'en', onLine: true })
  vi.stubGlobal('BroadcastChannel', undefined)
  vi.stubGlobal('document', { addEventListener: () => {} })
  store = await import('../src/keep/database')
  outbox = await import('../src/keep/outbox')
  sending = await import('../src/keep/sending')
  const { me, phase } = await import('../src/keep/session')
  me.value = { id: 'me', roles: [] } as never
  phase.value = 'in'
  await store.setFact('account', 'me')
})

const reportOf = (id: string, photos: string[] = []): NewEntry => ({
  id,
  kind: 'report',
  method: 'PUT',
  path: `/v1/reports/${id}`,
  body: {},
  headers: {},
  issue: id,
  name: 'litter',
  photos,
})
const picture = async (id: string) =>
  (await store.database()).put('photos', {
    id,
    account: 'me',
    blob: new Blob(['x']),
    offset: 0,
    state: 'draft',
    problem: null,
    at: Date.now(),
  })
const full = () => {
  const no = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(no)
  vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(no)
}

describe('what is said of something sent', () => {
  test('kept, when there is room', async () => {
    expect(await sending.deliver(reportOf('a'), 'draft:me')).toEqual({ how: 'kept' })
  })

  test('sent, when there is none and everything got through', async () => {
    await picture('p')
    full()
    serve()
    expect(await sending.deliver(reportOf('a', ['p']), 'draft:me')).toEqual({ how: 'sent' })
  })

  test('that a picture is still only here, when it did not get through', async () => {
    await picture('p')
    full()
    serve((one) => (one.path.endsWith('/p') ? html(502) : ours(one)))
    expect(await sending.deliver(reportOf('a', ['p']), 'draft:me')).toEqual({
      how: 'pictures-left',
      left: ['p'],
    })
  })

  test('that nothing was kept or sent, when neither could be done', async () => {
    full()
    serve(silence)
    await expect(sending.deliver(reportOf('a'), 'draft:me')).rejects.toMatchObject({
      name: 'QuotaExceededError',
    })
  })

  test('what the service itself says against it', async () => {
    full()
    serve(() => problem(422, 'validation'))
    await expect(sending.deliver(reportOf('a'), 'draft:me')).rejects.toMatchObject({ status: 422 })
  })

  test('that a picture is gone, and nothing is sent', async () => {
    const asked = serve()
    await expect(sending.deliver(reportOf('a', ['gone']), 'draft:me')).rejects.toMatchObject({
      ids: ['gone'],
    })
    expect(asked).toEqual([])
  })
})

describe('an action on a phone that is full', () => {
  const rectify = (photos: string[]): NewEntry => ({
    id: 'x',
    kind: 'action',
    method: 'POST',
    path: '/v1/issues/i/actions',
    body: { action: 'rectify', photos },
    headers: { 'idempotency-key': 'x' },
    issue: 'i',
    name: 'rectify',
    photos,
  })
  const form = () => store.fact('form:me:act')
  beforeEach(async () => {
    await picture('p')
    await store.setFact('form:me:act', { id: 'x', photos: ['p'], fields: {} })
  })

  test('goes to the server at once, with its photograph, and its form is done', async () => {
    full()
    const asked = serve()
    expect(await sending.deliverWhole(rectify(['p']), 'form:me:act')).toBe('sent')
    expect(asked.map((one) => one.path)).toEqual(['/v1/photos/p', '/v1/issues/i/actions'])
    expect(await form()).toBeUndefined()
    expect(await (await store.database()).get('photos', 'p')).toBeUndefined()
  })

  test('without a network it stays in its form, and the phone is said to be full', async () => {
    full()
    serve(silence)
    await expect(sending.deliverWhole(rectify(['p']), 'form:me:act')).rejects.toMatchObject({
      name: 'QuotaExceededError',
    })
    expect(await form()).toMatchObject({ photos: ['p'] })
    expect(await (await store.database()).get('photos', 'p')).toMatchObject({ state: 'draft' })
  })

  test('nothing is done while its photograph does not arrive', async () => {
    full()
    const asked = serve((one) => (one.path.startsWith('/v1/photos') ? html(200) : ours(one)))
    await expect(sending.deliverWhole(rectify(['p']), 'form:me:act')).rejects.toThrow()
    expect(asked.map((one) => one.path)).toEqual(['/v1/photos/p'])
  })
})

test('on a phone whose store neither opens nor fails the words are sent at once', async () => {
  vi.resetModules()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    const never = Object.create(IDBOpenDBRequest.prototype)
    return Object.assign(never, { addEventListener() {} })
  })
  const { me } = await import('../src/keep/session')
  me.value = { id: 'me', roles: [] } as never
  const { deliver } = await import('../src/keep/sending')
  const { room } = await import('../src/keep/room')
  const asked = serve()
  const delivered = deliver(reportOf('a'), 'draft:me')
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await delivered).toEqual({ how: 'sent' })
  expect(asked.map((one) => one.path)).toEqual(['/v1/reports/a'])
  expect(room.value).toBe('none')
})

test('what the browser clears away unsent is said, and the next report is sent', async () => {
  serve(silence)
  sending.startSending()
  await outbox.enqueue('me', reportOf('a'))
  await vi.waitFor(() => expect(sending.own.value).toHaveLength(1))
  await deleteDB('gridpatrol')
  await vi.waitFor(() => expect(sending.cleared.value).toBe(1))
  await vi.waitFor(async () => expect(await store.fact('account')).toBe('me'))
  const asked = serve()
  await outbox.enqueue('me', reportOf('b'))
  await sending.send()
  expect(asked.map((one) => one.path)).toContain('/v1/reports/b')
})

describe('a session', () => {
  for (const [name, answer] of [
    ['HTML', () => html(401)],
    ['JSON of somebody', () => json({}, 401)],
  ] as const) {
    test(`is not ended by a 401 that is ${name}`, async () => {
      const { phase, startSession } = await import('../src/keep/session')
      await store.setFact('me', { id: 'me', roles: [] })
      serve(answer)
      await startSession()
      await vi.waitFor(() => expect(fetch).toBeDefined())
      expect(phase.value).toBe('in')
      expect(await store.fact('signed-out')).toBeUndefined()
    })
  }
})

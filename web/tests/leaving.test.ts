// Signing out without a network: at once on the phone, on the server as soon as it is to be
// reached, and never in another's name.
import 'fake-indexeddb/auto'
import { beforeEach, expect, test, vi } from 'vitest'
import { database, fact, setFact } from '../src/keep/database'
import { finishLeaving } from '../src/keep/leaving'
import { me, phase, sessionOver, signIn, signOut, startSession } from '../src/keep/session'
import { becomes, gone, json, problem, serve, type Asked } from './answering'

const account = (id: string) => ({
  id,
  name: id,
  account: id,
  roles: [],
  cells: [],
  units: [],
  published: false,
})
const entry = {
  id: 'e',
  account: 'one',
  made_at: 1,
  kind: 'report',
  method: 'PUT',
  path: '/v1/reports/e',
  body: {},
  headers: {},
  issue: 'e',
  name: 'litter',
  photos: [],
  state: 'waiting',
  problem: null,
  tries: 0,
}
const told = (asked: Asked[]) => asked.map(({ method, path }) => `${method} ${path}`)
const settled = () => new Promise((done) => setTimeout(done, 30))

beforeEach(async () => {
  const db = await database()
  for (const store of ['kept', 'facts', 'issues', 'outbox', 'photos'] as const)
    await db.clear(store)
  await becomes('one')
  await db.put('kept', { path: '/v1/people', at: Date.now(), body: [{ phone: '13800000000' }] })
  await db.put('issues', { id: 'i' } as never)
  await db.add('outbox', entry as never)
})

test('without a network the phone is left at once, and what waits to be sent stays', async () => {
  serve(gone)
  await signOut()
  expect([me.value, phase.value]).toEqual([null, 'out'])
  const db = await database()
  expect(await db.getAllKeys('kept')).toEqual([])
  expect(await db.getAllKeys('issues')).toEqual([])
  expect((await db.getAll('outbox')).map(({ id }) => id)).toEqual(['e'])
  expect(await fact('account')).toBeUndefined()
})

test('the page opened anew does not use the session that was left, but revokes it', async () => {
  serve(gone)
  await signOut()
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (path: string, { method = 'GET' }: RequestInit = {}) => {
    asked.push({ method, path })
    return path === '/v1/me' ? json(account('one')) : new Response(null, { status: 204 })
  })
  phase.value = 'starting'
  await startSession()
  expect(phase.value).toBe('out')
  await settled()
  expect(told(asked)).toEqual(['GET /v1/me', 'DELETE /v1/sessions'])
  expect(await fact('leaving')).toBeUndefined()
  expect([me.value, phase.value]).toEqual([null, 'out'])
})

test('the next account signs in only after the former is revoked', async () => {
  serve(gone)
  await signOut()
  await settled()
  let cookie = 'one'
  const { asked } = serve(({ method, path }) => {
    if (method === 'POST') {
      cookie = 'two'
      return json({ token: 't', expires_at: '2027-01-01T00:00:00Z', account: account('two') }, 201)
    }
    if (method === 'DELETE') return new Response(null, { status: 204 })
    return path === '/v1/me' ? json(account(cookie)) : json({ items: [] })
  })
  await signIn('two', 'secret')
  await settled()
  expect(told(asked)).toEqual([
    'GET /v1/me',
    'DELETE /v1/sessions',
    'POST /v1/sessions?cookie=true',
  ])
  expect(me.value?.id).toBe('two')
})

test('what is left of one account is never done under the session of another', async () => {
  await setFact('leaving', { account: 'one', endpoint: null })
  const { asked } = serve(() => json(account('two')))
  await finishLeaving()
  expect(told(asked)).toEqual(['GET /v1/me'])
  expect(await fact('leaving')).toBeUndefined()
})

test('while the former cannot be revoked nobody else signs in, and it is tried again', async () => {
  serve(gone)
  await signOut()
  await expect(signIn('two', 'secret')).rejects.toThrow()
  expect(await fact('leaving')).toMatchObject({ account: 'one' })
  expect(me.value).toBeNull()
})

test('push is ended on the phone at once and its channel closed on the server', async () => {
  const subscription = { endpoint: 'https://push.test/1', unsubscribe: vi.fn(async () => true) }
  const registration = { pushManager: { getSubscription: async () => subscription } }
  vi.stubGlobal('PushManager', class {})
  vi.stubGlobal('navigator', {
    ...navigator,
    language: 'en',
    onLine: true,
    userAgent: '',
    serviceWorker: {
      getRegistration: async () => registration,
      ready: Promise.resolve(registration),
    },
  })
  serve(gone)
  await signOut()
  await settled()
  expect(subscription.unsubscribe).toHaveBeenCalled()
  const channels = [
    { id: 'other', kind: 'mail', address: 'a@b.c' },
    { id: 'mine', kind: 'push', address: 'https://push.test/1' },
  ]
  const { asked } = serve(({ method, path }) =>
    method === 'DELETE'
      ? new Response(null, { status: 204 })
      : json(path === '/v1/me' ? account('one') : { items: channels }),
  )
  await finishLeaving()
  vi.unstubAllGlobals()
  expect(told(asked)).toEqual([
    'GET /v1/me',
    'GET /v1/channels',
    'DELETE /v1/channels/mine',
    'DELETE /v1/sessions',
  ])
})

test('when access ends what was read goes and what was made stays', async () => {
  await sessionOver('one')
  expect(phase.value).toBe('over')
  const db = await database()
  expect(await db.getAllKeys('kept')).toEqual([])
  expect(await db.getAllKeys('issues')).toEqual([])
  expect((await db.getAll('outbox')).length).toBe(1)
})

test('a late refusal of one session does not end another', async () => {
  await becomes('two')
  await sessionOver('one')
  expect(phase.value).toBe('in')
})

test('other roles read other things: what was kept goes', async () => {
  serve(() => json({ ...account('one'), roles: [{ id: 'r', role: 'leader' }] }))
  phase.value = 'starting'
  me.value = null
  await startSession()
  await settled()
  expect(me.peek()?.roles).toHaveLength(1)
  expect(await (await database()).getAllKeys('kept')).toEqual([])
})

test('a session that nobody is signed in with stays out', async () => {
  await (await database()).clear('facts')
  me.value = null
  phase.value = 'starting'
  serve(() => problem(401, 'sign-in'))
  await startSession()
  expect(phase.value).toBe('out')
})

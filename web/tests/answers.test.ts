// Who answered: the service, or a network that lets nobody through and answers everything itself.
import { beforeEach, expect, test, vi } from 'vitest'
import { database, setFact } from '../src/keep/database'
import { becomes, json, serve } from './answering'

beforeEach(async () => {
  vi.stubGlobal('navigator', { language: 'en', onLine: true })
  const db = await database()
  for (const store of ['kept', 'facts'] as const) await db.clear(store)
  await setFact('account', 'one')
})
const http = () => import('../src/api/http')
const Unreached = async () => (await http()).Unreachable

const FOREIGN: [string, unknown][] = [
  ['a state', { status: 'login_required', url: 'http://wifi.test/login' }],
  ['a list', [{ ssid: 'hotel' }]],
  ['nothing', null],
  ['a word', 'ok'],
  ['yes', true],
  ['what looks like a list', { items: 'none', next_cursor: null }],
]
const READ = [
  '/v1/categories',
  '/v1/areas',
  '/v1/me',
  '/v1/changes?limit=200&open=true',
  '/v1/issues?state=open&limit=200',
  '/v1/issues/0190a000-0000-7000-8000-000000000001',
  '/v1/notices?unread=true&limit=1',
  '/v1/summaries/weekly.json?area=1',
  '/v1/push-key',
  '/v1/map/style.json?view=points&theme=light',
  '/v1/tiles/issues.json',
]
for (const [name, body] of FOREIGN) {
  test(`JSON of a network that is ${name} is no answer to what is read, and is not kept`, async () => {
    await becomes('one')
    serve(() => json(body))
    const { fetchKept } = await import('../src/keep/kept')
    for (const path of READ)
      await expect(fetchKept(path), path).rejects.toBeInstanceOf(await Unreached())
    expect(await (await database()).getAllKeys('kept')).toEqual([])
  })
}

test('a list whose shape the description does not tell is one, or is not kept', async () => {
  await becomes('one')
  serve(() => json({ status: 'login_required' }))
  const { fetchAllKept } = await import('../src/keep/kept')
  await expect(fetchAllKept('/v1/premises')).rejects.toBeInstanceOf(await Unreached())
})

test('nobody is signed in by the JSON of a network', async () => {
  serve(() => json({ status: 'ok' }))
  const { me, phase, signIn } = await import('../src/keep/session')
  const before = [me.value, phase.value]
  await expect(signIn('a', 'b')).rejects.toBeInstanceOf(await Unreached())
  expect([me.value, phase.value]).toEqual(before)
})

test('what is answered without words is not done by the words of a network', async () => {
  serve(() => json({ status: 'ok' }))
  const { call } = await http()
  for (const [method, path] of [
    ['DELETE', '/v1/sessions'],
    ['PUT', '/v1/me/quiet-hours'],
    ['POST', '/v1/notices/read'],
    ['PUT', '/v1/summaries/weekly'],
  ] as const)
    await expect(call(method, path), path).rejects.toBeInstanceOf(await Unreached())
})

test('what is answered with words is not done by silence', async () => {
  serve(() => new Response(null, { status: 204 }))
  const { call } = await http()
  await expect(call('PUT', '/v1/summaries/weekly')).rejects.toBeInstanceOf(await Unreached())
  await expect(call('GET', '/v1/me')).rejects.toBeInstanceOf(await Unreached())
  expect((await call('DELETE', '/v1/sessions')).status).toBe(204)
})

test('an answer of a service that is a little newer, or older, is one', async () => {
  const { isAnswerTo } = await import('../src/api/answers')
  const me = { id: '1', name: 'A', account: 'a', roles: [], published: false, rank: 1 }
  expect(isAnswerTo('GET /v1/me', me)).toBe(true)
  expect(isAnswerTo('GET /v1/issues?state=open', { items: [], next_cursor: null })).toBe(true)
  expect(isAnswerTo('GET /v1/me/quiet-hours', null)).toBe(true)
  expect(isAnswerTo('GET /v1/me/quiet-hours', { status: 'login' })).toBe(false)
  expect(isAnswerTo('GET /v1/something-new', 'anything')).toBe(true)
})

test('a browser that has no room for settings, or forbids them, still reads answers', async () => {
  vi.resetModules()
  const no = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  vi.stubGlobal('localStorage', { getItem: no, setItem: no })
  const date = { date: new Date(Date.now() + 86_400_000).toUTCString() }
  vi.stubGlobal('fetch', async () =>
    Response.json({ items: [], next_cursor: null }, { headers: date }),
  )
  const { get } = await http()
  expect(await get('/v1/categories')).toMatchObject({ items: [] })
  const { clockSkewMs } = await import('../src/keep/clock')
  expect(clockSkewMs()).toBeGreaterThan(80_000_000)
  vi.unstubAllGlobals()
})

import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Entry, KeptPhoto } from '../src/keep/database'
import type { NewEntry } from '../src/keep/outbox'
import { html, json, ours, problem, serve, silence, type Asked } from './server'

const ME = 'account-1'
let store: typeof import('../src/keep/database')
let outbox: typeof import('../src/keep/outbox')
beforeEach(async () => {
  store = await import('../src/keep/database')
  outbox = await import('../src/keep/outbox')
  await store.setFact('account', ME)
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
const actionOf = (id: string, issue: string, name = 'start'): NewEntry => ({
  id,
  kind: 'action',
  method: 'POST',
  path: `/v1/issues/${issue}/actions`,
  body: { action: name },
  headers: { 'idempotency-key': id },
  issue,
  name,
  photos: [],
})
const waits = async (): Promise<string[]> => (await outbox.entries()).map((entry) => entry.id)
const entry = async (id: string): Promise<Entry> =>
  (await outbox.entries()).find((one) => one.id === id)!
async function picture(
  id: string,
  size = 10,
  state: KeptPhoto['state'] = 'draft',
): Promise<string> {
  const blob = new Blob([new Uint8Array(size)], { type: 'image/jpeg' })
  await (
    await store.database()
  ).put('photos', { id, account: ME, blob, offset: 0, state, problem: null, at: Date.now() })
  return id
}
const photo = async (id: string): Promise<KeptPhoto | undefined> =>
  (await store.database()).get('photos', id)
const paths = (asked: Asked[]): string[] => asked.map((one) => one.path)
/** Let every wait be over. */
const later = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })

describe('one entry that fails', () => {
  for (const [name, answer] of [
    ['500', () => problem(500, 'internal')],
    ['500 of a proxy', () => html(500)],
    ['silence', silence],
  ] as const) {
    test(`${name}: what is behind it is sent`, async () => {
      serve((asked) => (asked.path.endsWith('/a') ? answer() : ours(asked)))
      for (const id of ['a', 'b', 'c']) await outbox.enqueue(ME, reportOf(id))
      const { again } = await outbox.flush()
      expect(await waits()).toEqual(['a'])
      expect(again).toBeGreaterThan(0)
    })
  }

  test('each waits longer after each try, up to five minutes, and not all the same', async () => {
    const { patience } = await import('../src/keep/patience')
    const most = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((tries) => patience(tries, () => 1))
    expect(most).toEqual([
      5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000,
    ])
    expect(patience(4, () => 0)).toBe(20_000)
  })

  test('it is not tried again before its time, and then is', async () => {
    const asked = serve((one) =>
      one.path.endsWith('/a') && asked.length < 2 ? problem(500, 'internal') : ours(one),
    )
    await outbox.enqueue(ME, reportOf('a'))
    await outbox.flush()
    await outbox.flush()
    expect(asked).toHaveLength(1)
    expect(await entry('a')).toMatchObject({ state: 'waiting', tries: 1 })
    later()
    await outbox.flush()
    expect(await waits()).toEqual([])
  })

  for (const [said, ms] of [
    ['120', 120_000],
    ['7200', 3_600_000],
  ] as const) {
    test(`Retry-After ${said} is kept to, up to an hour`, async () => {
      serve(() => problem(503, 'busy', { 'retry-after': said }))
      await outbox.enqueue(ME, reportOf('a'))
      const { again } = await outbox.flush()
      expect(again).toBeGreaterThan(ms - 5_000)
      expect(again).toBeLessThanOrEqual(ms)
    })
  }

  test('Retry-After may be a date', async () => {
    const { retryAfter } = await import('../src/api/http')
    expect(retryAfter('Wed, 25 Nov 2026 12:01:00 GMT', Date.UTC(2026, 10, 25, 12))).toBe(60)
    expect(retryAfter('soon')).toBeNull()
  })

  test('nobody answers: a pass gives up early, the next begins with what was not tried', async () => {
    const asked = serve(silence)
    for (const id of ['a', 'b', 'c', 'd', 'e']) await outbox.enqueue(ME, reportOf(id))
    await outbox.flush()
    expect(asked).toHaveLength(3)
    await outbox.flush()
    expect(paths(asked).slice(3)).toEqual(['/v1/reports/d', '/v1/reports/e'])
  })

  test('a network that comes back ends the wait of what was not reached alone', async () => {
    serve((one) =>
      one.path.endsWith('/a') ? problem(503, 'busy', { 'retry-after': '60' }) : silence(),
    )
    for (const id of ['a', 'b']) await outbox.enqueue(ME, reportOf(id))
    await outbox.flush()
    serve()
    await outbox.waitNoLonger('line')
    await outbox.flush()
    expect(await waits()).toEqual(['a'])
    await outbox.waitNoLonger('anything')
    await outbox.flush()
    expect(await waits()).toEqual([])
  })

  test('a picture that fails does not hold up the others', async () => {
    serve((one) => (one.path.endsWith('/p') ? problem(500, 'internal') : ours(one)))
    await outbox.enqueue(ME, reportOf('a', [await picture('p'), await picture('q')]))
    await outbox.flush()
    expect([(await photo('p'))?.state, (await photo('q'))?.state]).toEqual(['waiting', 'received'])
  })

  test('the words that a full phone cannot note are no reason to stop', async () => {
    serve((one) => (one.path.endsWith('/a') ? problem(500, 'internal') : ours(one)))
    for (const id of ['a', 'b']) await outbox.enqueue(ME, reportOf(id))
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...given
    ) {
      if (this.name === 'outbox') throw new DOMException('full', 'QuotaExceededError')
      return put.apply(this, given)
    })
    await outbox.flush()
    expect(await waits()).toEqual(['a'])
  })
})

describe('the order', () => {
  test('an action waits for the report that makes its issue', async () => {
    const asked = serve((one) => (one.method === 'PUT' ? problem(500, 'internal') : ours(one)))
    await outbox.enqueue(ME, reportOf('a'))
    await outbox.enqueue(ME, actionOf('x', 'a'))
    await outbox.enqueue(ME, actionOf('y', 'other'))
    await outbox.flush()
    expect(paths(asked)).toEqual(['/v1/reports/a', '/v1/issues/other/actions'])
    expect(await waits()).toEqual(['a', 'x'])
  })

  test('it waits also while that report is refused, and goes when it was given up', async () => {
    serve((one) => (one.method === 'PUT' ? problem(422, 'validation') : ours(one)))
    await outbox.enqueue(ME, reportOf('a'))
    await outbox.enqueue(ME, actionOf('x', 'a'))
    await outbox.flush()
    expect(await waits()).toEqual(['a', 'x'])
    await outbox.discard(await entry('a'))
    await outbox.flush()
    expect(await waits()).toEqual([])
  })

  test('actions on one issue keep their order', async () => {
    const asked = serve((one) => (one.headers['idempotency-key'] === 'x' ? html(502) : ours(one)))
    await outbox.enqueue(ME, actionOf('x', 'i', 'start'))
    await outbox.enqueue(ME, actionOf('y', 'i', 'rectify'))
    await outbox.flush()
    expect(asked).toHaveLength(1)
  })

  test('the points of a walk wait for the walk, those of another do not', async () => {
    const walk = (id: string, kind: 'patrol' | 'points', path: string): NewEntry => ({
      ...reportOf(id),
      kind,
      path,
      method: kind === 'patrol' ? 'PUT' : 'POST',
      issue: null,
    })
    const asked = serve((one) => (one.path === '/v1/patrols/w' ? html(500) : ours(one)))
    await outbox.enqueue(ME, walk('1', 'patrol', '/v1/patrols/w'))
    await outbox.enqueue(ME, walk('2', 'points', '/v1/patrols/w/points'))
    await outbox.enqueue(ME, walk('3', 'points', '/v1/patrols/v/points'))
    await outbox.flush()
    expect(paths(asked)).toEqual(['/v1/patrols/w', '/v1/patrols/v/points'])
  })

  test('pictures go after the words that name them', async () => {
    const asked = serve((one, nth) =>
      one.path === '/v1/reports/a' && nth === 1 ? html(502) : ours(one),
    )
    await outbox.enqueue(ME, reportOf('a', [await picture('p')]))
    await outbox.flush()
    expect(paths(asked)).toEqual(['/v1/reports/a'])
    later()
    await outbox.flush()
    expect(paths(asked).slice(1)).toEqual(['/v1/reports/a', '/v1/photos/p'])
  })
})

describe('an answer that is not the service’s', () => {
  const foreign: [string, () => Response][] = [
    ...[
      400, 401, 403, 404, 407, 408, 409, 410, 412, 413, 415, 422, 423, 425, 429, 451, 500, 502, 503,
      504, 511,
    ].map((status): [string, () => Response] => [`${status} text/html`, () => html(status)]),
    ['200 text/html', () => html(200)],
    ['302 to a login page', () => html(302, { location: 'http://portal.example/login' })],
    ['307 to a login page', () => html(307, { location: 'http://portal.example/login' })],
    ['403 application/json', () => json({ error: 'blocked' }, 403)],
    ['401 without words', () => new Response(null, { status: 401 })],
    ['200 without words', () => new Response('', { status: 200 })],
    ['204', () => new Response(null, { status: 204 })],
    ['200 JSON of somebody', () => json({ status: 'login required' })],
    ['200 JSON, a list', () => json([])],
    [
      '200 JSON said to be text',
      () =>
        new Response('{"report":{"id":"a"},"issue":{}}', {
          headers: { 'content-type': 'text/html' },
        }),
    ],
    [
      '200 JSON cut short',
      () =>
        new Response('{"report":{"id":"a"', { headers: { 'content-type': 'application/json' } }),
    ],
    [
      'a problem cut short',
      () =>
        new Response('{"type":"/pro', {
          status: 422,
          headers: { 'content-type': 'application/problem+json' },
        }),
    ],
    [
      'a problem that is none',
      () =>
        new Response('null', {
          status: 422,
          headers: { 'content-type': 'application/problem+json' },
        }),
    ],
  ]
  for (const [name, answer] of foreign) {
    test(`${name}: it waits and is sent later`, async () => {
      serve((one, nth) => (nth === 1 ? answer() : ours(one)))
      await outbox.enqueue(ME, reportOf('a'))
      await outbox.flush()
      expect(await entry('a')).toMatchObject({ state: 'waiting', tries: 1, problem: null })
      expect(await store.fact('signed-out')).toBeUndefined()
      later()
      await outbox.flush()
      expect(await waits()).toEqual([])
    })
    test(`${name}, to a picture: it waits and is sent later`, async () => {
      serve((one, nth) => (nth === 1 ? answer() : ours(one)))
      await picture('p', 10, 'waiting')
      await outbox.flush()
      expect(await photo('p')).toMatchObject({ state: 'waiting', problem: null })
      later()
      await outbox.flush()
      expect((await photo('p'))?.state).toBe('received')
    })
    test(`${name}, to a large picture: it waits and is sent later`, async () => {
      serve((one, nth) => (one.method === 'PATCH' && nth === 1 ? answer() : ours(one)))
      await picture('p', 300_000, 'waiting')
      await outbox.flush()
      expect(await photo('p')).toMatchObject({ state: 'waiting', problem: null })
      later()
      await outbox.flush()
      expect((await photo('p'))?.state).toBe('received')
    })
  }

  for (const [status, slug] of [
    [408, 'timeout'],
    [409, 'key-running'],
    [425, 'early'],
    [429, 'too-many'],
    [500, 'internal'],
    [503, 'busy'],
  ] as const) {
    test(`our own ${status} ${slug} is later, not no`, async () => {
      serve(() => problem(status, slug))
      await outbox.enqueue(ME, reportOf('a'))
      await outbox.flush()
      expect(await entry('a')).toMatchObject({ state: 'waiting', tries: 1 })
    })
  }

  for (const [status, slug] of [
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'not-possible'],
    [413, 'too-large'],
    [422, 'validation'],
  ] as const) {
    test(`our own ${status} ${slug} is a refusal, told in its words`, async () => {
      serve(() => problem(status, slug))
      await outbox.enqueue(ME, reportOf('a'))
      await outbox.flush()
      expect(await entry('a')).toMatchObject({
        state: 'refused',
        problem: { status, detail: slug },
      })
    })
  }

  test('our own 401 ends the session and keeps the work', async () => {
    serve(() => problem(401, 'unauthorized'))
    await outbox.enqueue(ME, reportOf('a'))
    expect(await outbox.flush()).toEqual({ again: null })
    expect(await store.fact('signed-out')).toBe(true)
    expect(await entry('a')).toMatchObject({ state: 'waiting' })
  })
})

describe('page and service worker', () => {
  test('what one of them is sending the other does not send', async () => {
    let go = () => {}
    const asked = serve(async (one) => {
      await new Promise<void>((then) => (go = then))
      return ours(one)
    })
    await outbox.enqueue(ME, reportOf('a'))
    const first = outbox.flush()
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    vi.resetModules()
    const worker = await import('../src/keep/outbox')
    expect((await worker.flush()).again).toBeGreaterThan(0)
    go()
    await first
    expect(asked).toHaveLength(1)
  })

  test('the wait that one has noted the other keeps to', async () => {
    const asked = serve(() => problem(500, 'internal'))
    await outbox.enqueue(ME, reportOf('a'))
    await outbox.flush()
    vi.resetModules()
    await (await import('../src/keep/outbox')).flush()
    expect(asked).toHaveLength(1)
  })

  test('what was given up while it failed does not come back', async () => {
    serve(async () => {
      await outbox.discard(await entry('a'))
      return html(500)
    })
    await outbox.enqueue(ME, reportOf('a'))
    await outbox.flush()
    expect(await waits()).toEqual([])
  })
})

describe('a full phone', () => {
  const full = () =>
    vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })

  test('an entry is kept whole or not at all', async () => {
    await picture('p')
    await store.setFact('draft:x', { id: 'a' })
    full()
    await expect(outbox.enqueue(ME, reportOf('a', ['p']), 'draft:x')).rejects.toMatchObject({
      name: 'QuotaExceededError',
    })
    expect((await photo('p'))?.state).toBe('draft')
    expect(await store.fact('draft:x')).toEqual({ id: 'a' })
  })

  test('words and pictures that are sent at once leave the phone', async () => {
    serve()
    expect(await outbox.sendAtOnce(reportOf('a', [await picture('p')]))).toEqual([])
    expect(await photo('p')).toBeUndefined()
  })

  test('a picture that does not get through is said to be left, and stays', async () => {
    serve((one) => (one.path.endsWith('/p') ? silence() : ours(one)))
    expect(
      await outbox.sendAtOnce(reportOf('a', [await picture('p'), await picture('q')])),
    ).toEqual(['p'])
    expect((await photo('p'))?.state).toBe('draft')
    expect(await photo('q')).toBeUndefined()
  })

  test('words that somebody else answered have not arrived', async () => {
    serve(() => html(200))
    await expect(outbox.sendAtOnce(reportOf('a'))).rejects.toBeInstanceOf(
      (await import('../src/api/http')).Unreachable,
    )
  })
})

describe('a store that was cleared', () => {
  test('a report is not kept without its picture', async () => {
    await expect(outbox.enqueue(ME, reportOf('a', ['gone']))).rejects.toMatchObject({
      ids: ['gone'],
    })
    expect(await waits()).toEqual([])
  })

  test('a picture whose bytes are lost is said to be gone, not being sent', async () => {
    serve()
    await picture('p', 10, 'waiting')
    vi.spyOn(Blob.prototype, 'arrayBuffer').mockRejectedValue(
      new DOMException('gone', 'NotReadableError'),
    )
    await outbox.flush()
    expect(await photo('p')).toMatchObject({ state: 'refused' })
  })
})

describe('tapped twice', () => {
  test('it is one entry, and no failure', async () => {
    await Promise.all([outbox.enqueue(ME, reportOf('a')), outbox.enqueue(ME, reportOf('a'))])
    expect(await waits()).toEqual(['a'])
  })

  test('other words under the same name are not passed over in silence', async () => {
    await outbox.enqueue(ME, reportOf('a'))
    const other = { ...reportOf('a'), body: { note: 'more' } }
    await expect(outbox.enqueue(ME, other)).rejects.toMatchObject({ name: 'ConstraintError' })
  })

  test('“try again” keeps the key of what is on its way already', async () => {
    serve(() => problem(422, 'validation'))
    await outbox.enqueue(ME, actionOf('x', 'other'))
    await outbox.flush()
    const refused = await entry('x')
    await outbox.again(refused, false)
    const { headers } = await entry('x')
    await outbox.again(refused, false)
    expect((await entry('x')).headers).toEqual(headers)
  })
})

describe('pictures of what was refused', () => {
  test('they are not sent before their words are taken', async () => {
    const asked = serve((one) => (one.path.startsWith('/v1/reports') ? problem(403, 'no-reach') : ours(one)))
    await picture('p')
    await outbox.enqueue(ME, reportOf('a', ['p']))
    await outbox.flush()
    expect(paths(asked)).toEqual(['/v1/reports/a'])
    expect(await photo('p')).toMatchObject({ state: 'waiting' })
  })

  test('“try again” sends them too, also those that an earlier version had refused', async () => {
    serve(() => problem(403, 'no-reach'))
    await picture('p')
    await outbox.enqueue(ME, reportOf('a', ['p']))
    await outbox.flush()
    await (await store.database()).put('photos', { ...(await photo('p'))!, state: 'refused' })
    serve()
    await outbox.again(await entry('a'), false)
    await outbox.flush()
    expect(await waits()).toEqual([])
    expect(await photo('p')).toMatchObject({ state: 'received', problem: null })
  })

  test('a picture that was refused alone can be tried again', async () => {
    serve(() => problem(403, 'no-reach'))
    await picture('p', 10, 'waiting')
    await outbox.flush()
    expect(await photo('p')).toMatchObject({ state: 'refused' })
    serve()
    await outbox.photoAgain('p')
    await outbox.flush()
    expect(await photo('p')).toMatchObject({ state: 'received', problem: null })
  })
})

test('a wait that a clock set back has made a day long is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 })
  serve(silence)
  await outbox.enqueue(ME, reportOf('a'))
  await picture('p', 10, 'waiting')
  await outbox.flush()
  vi.useRealTimers()
  serve()
  await outbox.flush()
  expect(await waits()).toEqual([])
  expect((await photo('p'))?.state).toBe('received')
})

test('an ended session is told also where a full phone cannot note it', async () => {
  await outbox.enqueue(ME, reportOf('a'))
  serve(() => problem(401, 'sign-in'))
  const told: unknown[] = []
  outbox.onStep((step) => told.push(step.kind))
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  expect(await outbox.flush()).toEqual({ again: null })
  expect(told).toContain('signed-out')
})

// What the service worker keeps of pictures.
import { beforeEach, expect, test, vi } from 'vitest'

const PICTURE = 'http://phone.test/v1/photos/0190a000-0000-7000-8000-000000000001/thumb'
const listeners: Record<string, (event: unknown) => void> = {}
let kept: Map<string, Response>

beforeEach(async () => {
  kept = new Map()
  const cache = {
    match: async (request: Request) => kept.get(request.url)?.clone(),
    put: async (request: Request, answer: Response) => void kept.set(request.url, answer),
    keys: async () => [...kept.keys()],
  }
  vi.stubGlobal('navigator', { language: 'en', onLine: true })
  vi.stubGlobal('caches', { open: async () => cache, match: async () => undefined })
  vi.stubGlobal('__VERSION__', 'test')
  vi.stubGlobal('__FILES__', [])
  vi.stubGlobal('self', {
    location: { origin: 'http://phone.test' },
    addEventListener: (name: string, then: (event: unknown) => void) => (listeners[name] = then),
  })
  await import('../sw/worker')
})

/** The picture is asked for, and everything that this sets off is done. */
async function asked(answer: Response): Promise<Response> {
  vi.stubGlobal('fetch', async () => answer)
  const work: Promise<unknown>[] = []
  let given: Promise<Response> | undefined
  listeners['fetch']!({
    request: new Request(PICTURE),
    respondWith: (response: Promise<Response>) => (given = response),
    waitUntil: (more: Promise<unknown>) => work.push(more),
  })
  const response = await given!
  await Promise.all(work)
  return response
}
const image = () => new Response('picture', { headers: { 'content-type': 'image/webp' } })

test('a picture is kept', async () => {
  await asked(image())
  expect([...kept.keys()]).toEqual([PICTURE])
})

for (const [name, type] of [
  ['the login page of a network', 'text/html'],
  ['its JSON', 'application/json'],
  ['what says nothing of itself', ''],
] as const) {
  test(`${name} is not kept in its place`, async () => {
    await asked(new Response('sign in', { headers: type ? { 'content-type': type } : {} }))
    expect([...kept.keys()]).toEqual([])
    await asked(image())
    expect([...kept.keys()]).toEqual([PICTURE])
  })
}

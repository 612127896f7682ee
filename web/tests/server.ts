// A server in the test's hands: what is asked is noted, what is answered each test says.
import { vi } from 'vitest'

export interface Asked {
  method: string
  path: string
  headers: Record<string, string>
}
type Answers = (asked: Asked, nth: number) => Response | Promise<Response>

const JSON_TYPE = { 'content-type': 'application/json' }
export const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: JSON_TYPE })
export const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response('<html><body>Please sign in to the network</body></html>', {
    status,
    headers: { 'content-type': 'text/html', ...headers },
  })
export const problem = (
  status: number,
  slug: string,
  headers: Record<string, string> = {},
): Response =>
  new Response(JSON.stringify({ type: `/problems/${slug}`, status, detail: slug }), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })

/** What the service itself says to each kind of request. */
export function ours({ method, path }: Asked): Response {
  const id = path.split('/')[3]!
  if (path.startsWith('/v1/reports/'))
    return json(
      { report: { id }, issue: { id, version: 1, number: '1', actions: [] }, nearby: [] },
      201,
    )
  if (path.endsWith('/actions')) return json({ id, version: 2, number: '1', actions: [] })
  if (path.endsWith('/points')) return json({ kept: 1 })
  if (path.startsWith('/v1/patrols/'))
    return json({ id, started_at: '', ended_at: null, people: 1, note: '', clock: null }, 201)
  if (path.startsWith('/v1/photos/'))
    return json({ id, state: 'stored', reason: null, sha256: '', bytes: 1, media_type: '' }, 201)
  const tus = { 'tus-resumable': '1.0.0', 'upload-offset': '0' }
  if (path === '/v1/uploads') return new Response('', { status: 201, headers: tus })
  if (method === 'PATCH')
    return new Response(null, { status: 204, headers: { ...tus, 'upload-offset': '300000' } })
  return problem(404, 'not-found')
}

/** Answer every request as `answers` says; what was asked, in order. */
export function serve(answers: Answers = ours): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const one = { method: init.method!, path, headers: init.headers as Record<string, string> }
    asked.push(one)
    return answers(one, asked.filter((other) => other.path === path).length)
  })
  return asked
}
export const silence = (): never => {
  throw new TypeError('Failed to fetch')
}

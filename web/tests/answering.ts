// The server as the client sees it, for tests without one: what is answered to `fetch`, at once or
// when it is let go.
import { vi } from 'vitest'
import { setFact } from '../src/keep/database'
import { me, phase } from '../src/keep/session'

export interface Asked {
  method: string
  path: string
}

export const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
export const problem = (status: number, slug: string): Response =>
  new Response(
    JSON.stringify({ type: `http://server.test/problems/${slug}`, status, detail: slug }),
    { status, headers: { 'content-type': 'application/problem+json' } },
  )
export const gone = (): never => {
  throw new TypeError('Failed to fetch')
}

/**
 * Answers every request by `answer`; `held` waits until `release`. What was asked stands in
 * `asked`.
 */
export function serve(answer: (asked: Asked) => Response, { held = false } = {}) {
  const asked: Asked[] = []
  let release = () => {}
  const open = held ? new Promise<void>((done) => (release = done)) : Promise.resolve()
  vi.stubGlobal('fetch', async (path: string, init: RequestInit = {}) => {
    const request = { method: init.method ?? 'GET', path }
    asked.push(request)
    await open
    return answer(request)
  })
  return { asked, release }
}

/** Somebody is signed in on this phone. */
export async function becomes(id: string, roles: unknown[] = []): Promise<void> {
  const account = { id, name: id, account: id, roles, cells: [], units: [], published: false }
  await setFact('account', id)
  await setFact('me', account)
  await setFact('signed-out', undefined)
  me.value = account as never
  phase.value = 'in'
}

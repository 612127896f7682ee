// One way to the server: JSON in and out, refusals as the problem documents that the server writes for people.
import { language } from '../words'
import { learnClock } from '../keep/clock'

export interface Problem {
  type: string
  title?: string
  status: number
  detail: string
  errors?: { pointer: string; message: string }[]
  actions?: string[]
  issue?: unknown
  only_added?: boolean
  version?: number
}

/** The server answered, and refused. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly problem: Problem, readonly retryAfterS: number | null) {
    super(problem.detail)
  }
  get slug(): string {
    return this.problem.type.split('/').pop() ?? ''
  }
  /** Worth sending again later, unchanged. */
  get passing(): boolean {
    return this.status === 429 || this.status >= 500 || ['key-running', 'upload-moved', 'upload-offset'].includes(this.slug)
  }
}

/** The server was not reached. */
export class Unreachable extends Error {}

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}

const TIMEOUT_MS = 30_000

export async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
  const raw = body instanceof Blob || body instanceof ArrayBuffer
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), raw ? 4 * TIMEOUT_MS : TIMEOUT_MS)
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers: { 'accept-language': language(), ...(body !== undefined && !raw ? { 'content-type': 'application/json' } : {}), ...headers },
      body: body === undefined ? null : raw ? (body as Blob) : JSON.stringify(body),
      credentials: 'same-origin',
      signal: stop.signal,
    })
    text = await response.text()
  } catch {
    throw new Unreachable()
  } finally {
    clearTimeout(timer)
  }
  learnClock(response.headers.get('date'))
  let parsed: unknown = null
  try {
    parsed = text ? JSON.parse(text) : null
  } catch {
    // A proxy's or a login page's answer, not this server's.
    if (response.ok) throw new Unreachable()
  }
  if (!response.ok) {
    const problem = (parsed ?? { type: 'about:blank', status: response.status, detail: `${response.status}` }) as Problem
    const after = Number(response.headers.get('retry-after'))
    throw new Refusal(response.status, problem, Number.isFinite(after) && after > 0 ? after : null)
  }
  return { status: response.status, body: parsed as T, headers: response.headers }
}

export const get = async <T>(path: string): Promise<T> => (await call<T>('GET', path)).body

// One way to the server: JSON in and out, refusals as the problem documents that the server writes
// for people.
import { language } from '../words'
import { learnClock } from '../keep/clock'
import { isAnswerTo } from './answers'

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

/** Answers of the service itself that say "later", not "no". */
const LATER = [408, 425, 429]
const LATER_SLUGS = ['key-running', 'upload-moved', 'upload-offset']

/** The service answered, and refused. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    readonly retryAfterS: number | null,
  ) {
    super(problem.detail)
  }
  get slug(): string {
    return this.problem.type.split('/').pop() ?? ''
  }
  /** Worth sending again later, unchanged. */
  get passing(): boolean {
    return LATER.includes(this.status) || this.status >= 500 || LATER_SLUGS.includes(this.slug)
  }
}

/**
 * The service was not reached: nobody answered, or somebody between did: the login page of a
 * network, a firewall, a proxy whose service is away. Whatever such an answer says, it is not about
 * the request.
 */
export class Unreachable extends Error {
  constructor(readonly status: number | null = null, readonly retryAfterS: number | null = null) {
    super(status === null ? 'no answer' : `answered by another: ${status}`)
  }
}

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}

const TIMEOUT_MS = 30_000

/** Seconds or a date (RFC 9110, 10.2.3), as seconds from now. */
export function retryAfter(said: string | null, now: number = Date.now()): number | null {
  if (!said?.trim()) return null
  const seconds = /^\s*\d+\s*$/.test(said) ? Number(said) : (Date.parse(said) - now) / 1000
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}

function asObject(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The problem that the service itself wrote, or null when the answer is somebody else's. */
function ownProblem(response: Response, media: string, text: string): Problem | null {
  if (media !== 'application/problem+json') return null
  const found = asObject(text) as Partial<Problem> | null | undefined
  if (typeof found !== 'object' || found === null || typeof found.type !== 'string') return null
  const detail = found.detail ?? found.title ?? `${response.status}`
  return { ...found, type: found.type, status: response.status, detail }
}

export async function call<T>(
  method: string, path: string, body?: unknown, headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const raw = body instanceof Blob || body instanceof ArrayBuffer
  const json = body !== undefined && !raw
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), raw ? 4 * TIMEOUT_MS : TIMEOUT_MS)
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers: {
        'accept-language': language(),
        ...(json ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      body: body === undefined ? null : raw ? (body as Blob) : JSON.stringify(body),
      credentials: 'same-origin',
      // The service sends nobody elsewhere; who does is a network's login page, and what is sent is
      // not for it.
      redirect: 'manual',
      signal: stop.signal,
    })
    text = await response.text()
  } catch {
    throw new Unreachable()
  } finally {
    clearTimeout(timer)
  }
  return judge<T>(`${method} ${path}`, response, text)
}

function judge<T>(asked: string, response: Response, text: string): Answer<T> {
  const media = (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  const wait = retryAfter(response.headers.get('retry-after'))
  if (!response.ok) {
    const problem = ownProblem(response, media, text)
    if (!problem) throw new Unreachable(response.status, wait)
    learnClock(response.headers.get('date'))
    throw new Refusal(response.status, problem, wait)
  }
  if (text === '') {
    // Ours without words are 204, and those of the upload's protocol.
    const own = response.status === 204 || response.headers.has('tus-resumable')
    if (!own || !isAnswerTo(asked, undefined)) throw new Unreachable(response.status, wait)
    return { status: response.status, body: null as T, headers: response.headers }
  }
  const parsed = /^application\/(\S+\+)?json$/.test(media) ? asObject(text) : undefined
  if (parsed === undefined || !isAnswerTo(asked, parsed))
    throw new Unreachable(response.status, wait)
  learnClock(response.headers.get('date'))
  return { status: response.status, body: parsed as T, headers: response.headers }
}

export const get = async <T>(path: string): Promise<T> => (await call<T>('GET', path)).body

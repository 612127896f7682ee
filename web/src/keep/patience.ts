// How long to wait before something is tried again.
import { Refusal, Unreachable } from '../api/http'
import type { Wait } from './database'

const FIRST_MS = 5_000
const MOST_MS = 300_000
/** A server that asks for more than this is not believed. */
const MOST_ASKED_MS = 3_600_000
export const LONGEST_MS = MOST_ASKED_MS

/**
 * Twice as long after each try, up to five minutes; phones that failed together do not come back
 * together.
 */
export function patience(tries: number, random: () => number = Math.random): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(Math.max(tries, 1) - 1, 16))
  return Math.round(full * (0.5 + random() / 2))
}

/** The wait after the try number `tries` failed. What the server asks for is kept to. */
export function waitAfter(error: unknown, tries: number, now: number = Date.now()): Wait {
  const answered = error instanceof Refusal
  const asked = answered || error instanceof Unreachable ? error.retryAfterS : null
  const ms = asked === null ? patience(tries) : Math.min(MOST_ASKED_MS, asked * 1000)
  return { until: now + ms, by: answered || asked !== null ? 'server' : 'line' }
}

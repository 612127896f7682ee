// How far the phone's clock is from the server's, as the server's answers tell.
import { remember, remembered } from './remembering'

const KEY = 'clock-skew-ms'
let skew = Number(remembered(KEY)) || 0

export function learnClock(date: string | null): void {
  const server = date ? Date.parse(date) : NaN
  if (Number.isNaN(server)) return
  const found = server - Date.now()
  // The header counts seconds, and the way here takes some.
  skew = Math.abs(found) < 120_000 ? 0 : found
  remember(KEY, String(skew))
}

export const clockSkewMs = (): number => skew
/** Now, by the server's clock as far as it is known. */
export const now = (): Date => new Date(Date.now() + skew)

// When and where a photograph says it was taken, in every spelling that cameras have; what cannot be believed is left out. The
// same as the server reads (app/photos/said.py). Without imports: a test reads it as it is.

export type Rational = readonly [number, number]

const FIRST_YEAR = 2000
const DAY = 86_400_000
const HALF = '([ap]\\.?m\\.?|上午|下午)?'
const TIME = new RegExp(
  '^(\\d{4})\\s*[:\\-/.年]\\s*(\\d{1,2})\\s*[:\\-/.月]\\s*(\\d{1,2})日?[\\sT_,]+' + HALF +
    '\\s*(\\d{1,2})\\s*([:.\\-])\\s*(\\d{1,2})(?:\\s*\\6\\s*(\\d{1,2})(?:[.,:]\\d+)?)?\\s*' + HALF +
    '\\s*((?:GMT|UTC)?[+\\-−]\\s*\\d{1,2}(?::?\\d\\d)?|[a-z]{1,5})?$', 'i')
const OFFSET = /^(?:GMT|UTC)?\s*([+\-−])\s*(\d{1,2})(?::?(\d\d))?$/i

/** A tag as text, whatever type it has in the file, up to its first NUL. */
export function text(value: unknown): string {
  const parts = Array.isArray(value) ? value : [value]
  const read = parts.map((part) => (typeof part === 'number' ? String.fromCharCode(part) : typeof part === 'string' ? part : '')).join('')
  return (read.replace(/^[\0 ]+/, '').split('\0')[0] ?? '').trim()
}

/** How many minutes a clock is ahead of UTC; null for what no place on earth has. */
export function offset(said: string): number | null {
  if (/^(Z|UTC|GMT)$/i.test(said)) return 0
  const found = OFFSET.exec(said)
  if (!found) return null
  const minutes = Number(found[3] ?? 0)
  const shift = (found[1] === '+' ? 1 : -1) * (Number(found[2]) * 60 + minutes)
  return minutes < 60 && minutes % 15 === 0 && shift >= -12 * 60 && shift <= 14 * 60 ? shift : null
}

/** The instant of a time as a camera writes it; without an offset, by the clock of this phone. */
export function instant(said: string, offsets: readonly string[], now: Date): Date | null {
  const found = TIME.exec(said)
  if (!found) return null
  const [year, month, day, minute, second] = [1, 2, 3, 7, 8].map((n) => Number(found[n] ?? 0)) as [number, number, number, number, number]
  const half = (found[4] ?? found[9] ?? '').toLowerCase()
  let hour = Number(found[5])
  if (half) {
    if (hour < 1 || hour > 12) return null
    hour = (hour % 12) + (half.startsWith('p') || half === '下午' ? 12 : 0)
  }
  // Some phones write their midnight as hour 24 of the day that begins.
  if (hour === 24) hour = 0
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  const real = utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day
  if (!real || year < FIRST_YEAR || hour > 23 || minute > 59 || second > 60) return null
  const shift = [found[10] ?? '', ...offsets].map(offset).find((minutes) => minutes !== null)
  const at = shift === undefined ? new Date(year, month - 1, day, hour, minute, second) : new Date(utc.getTime() - shift * 60_000)
  return at.getTime() <= now.getTime() + DAY ? at : null
}

/** A rational as a number; null where it says that it is not known: 0/0. */
function number(part: unknown): number | null {
  if (typeof part === 'number') return part
  if (!Array.isArray(part)) return Number.NaN
  const [above, below] = part as unknown as Rational
  return above === 0 && below === 0 ? null : above / below
}

function parts(value: unknown): (number | null)[] {
  if (typeof value === 'string') return (value.match(/-?\d+(\.\d+)?/g) ?? []).map(Number)
  if (!Array.isArray(value)) return [number(value)]
  const list = value as unknown[]
  if (list.length > 0 && list.every((part) => typeof part === 'string')) return parts(list.join(' '))
  // One rational alone is a pair of numbers.
  return list.length === 2 && list.every((part) => typeof part === 'number') ? [number(list)] : list.map(number)
}

/** Degrees from one, two or three numbers, of which the last may have a fraction and what follows may be unknown. */
export function degrees(value: unknown): number | null {
  const said = parts(value)
  while (said.length && said.at(-1) === null) {
    said.pop()
    const last = said.at(-1)
    // Without its seconds a whole minute is a guess.
    if (last === undefined || (last !== null && last % 1 === 0)) return null
  }
  if (said.length < 1 || said.length > 3 || said.some((part) => part === null || !Number.isFinite(part))) return null
  const [first, ...rest] = said as number[]
  if (first === undefined) return null
  const isMinus = first < 0 || Object.is(first, -0)
  // Some repeat the minus before every number.
  const smaller = isMinus && rest.every((part) => part <= 0) ? rest.map(Math.abs) : rest
  if (smaller.some((part) => part < 0 || part > 60)) return null
  const all = [Math.abs(first), ...smaller]
  // What is behind a fraction says the same again, or nothing that fits it.
  if (all.some((part, n) => part % 1 !== 0 && all.slice(n + 1).some((next) => next !== 0))) return null
  const size = all.reduce((sum, part, n) => sum + part / 60 ** n, 0)
  return isMinus ? -size : size
}

/** Degrees with the sign of their hemisphere: N, n, `N `, North. A minus that contradicts it, or no hemisphere: nothing. */
export function signed(value: unknown, side: unknown, positive: string, negative: string, limit: number): number | null {
  const found = degrees(value)
  const letter = text(side).slice(0, 1).toUpperCase()
  if (found === null || Math.abs(found) > limit) return null
  if (letter === negative) return -Math.abs(found)
  if (letter === positive) return found < 0 ? null : found
  return found < 0 && letter === '' ? found : null
}

/** Not 0/0, which is what a receiver writes that found nothing. */
export function position(lat: unknown, latSide: unknown, lon: unknown, lonSide: unknown): { lat: number; lon: number } | null {
  const [y, x] = [signed(lat, latSide, 'N', 'S', 90), signed(lon, lonSide, 'E', 'W', 180)]
  return y === null || x === null || (y === 0 && x === 0) ? null : { lat: y, lon: x }
}

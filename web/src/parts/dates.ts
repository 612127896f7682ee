// Days of the calendar. A day is one of the community: today, this week and this month are asked
// for in its zone, wherever the phone stands. A day is written YYYY-MM-DD and is no instant:
// nothing shifts it.
import { now } from '../keep/clock'

const two = (n: number): string => String(n).padStart(2, '0')

/**
 * The day that it is in a zone; in the phone's own where none is named, or the phone does not know
 * it.
 */
export function today(zone: string | null = null, at: Date = now()): string {
  const here = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  if (!zone) return here
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    }).formatToParts(at)
    const of = (type: string) => parts.find((part) => part.type === type)!.value
    return `${of('year')}-${of('month')}-${of('day')}`
  } catch {
    return here
  }
}

// Reckoned in UTC, where every day has 24 hours.
const utc = (day: string): Date => new Date(`${day}T00:00:00Z`)
const written = (at: Date): string =>
  `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`

export const isDay = (text: string | null): text is string =>
  text !== null &&
  /^\d{4}-\d\d-\d\d$/.test(text) &&
  !Number.isNaN(utc(text).getTime()) &&
  written(utc(text)) === text

export function plusDays(day: string, days: number): string {
  const at = utc(day)
  at.setUTCDate(at.getUTCDate() + days)
  return written(at)
}

/** The Monday of the week of a day. */
export const monday = (day: string): string => plusDays(day, -((utc(day).getUTCDay() + 6) % 7))

/** The first day of the month of a day, or of one so many months off. */
export function firstOfMonth(day: string, months = 0): string {
  const at = utc(day)
  return written(new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1)))
}

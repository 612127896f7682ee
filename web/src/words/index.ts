// Every sentence of the client, in both languages; what the server says it says itself, in the language that is asked for here.
import { signal } from '@preact/signals'
import { NAMES } from '../api/names'
import { now } from '../keep/clock'
import { remember, remembered } from '../keep/remembering'
import { tick } from '../keep/ticking'
import { en } from './en'
import { zh } from './zh'

export type Key = keyof typeof zh
export type Language = 'zh-CN' | 'en'
const LANGUAGES: Record<Language, Record<Key, string>> = { 'zh-CN': zh, en }
const KEPT = 'language'

function first(): Language {
  const kept = remembered(KEPT)
  if (kept === 'zh-CN' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

const chosen = signal<Language>(first())
export const language = (): Language => chosen.value

export function speak(language: Language): void {
  chosen.value = language
  remember(KEPT, language)
  document.documentElement.lang = language
}

/** The sentence `key` with its {words} filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return LANGUAGES[chosen.value][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

/** The word for one of the server's names (a state, an action, a role); the name itself where there is none. */
export function word(kind: 'state' | 'action' | 'role' | 'field' | 'reason' | 'as' | 'level' | 'unit' | 'activity' | 'audit' | 'channel', name: string): string {
  const words = LANGUAGES[chosen.value] as Record<string, string>
  return words[`${kind}.${name}`] ?? NAMES[chosen.value][`${kind}.${name}`] ?? name
}

// Made once for each language: a list of a thousand rows asks for thousands of them.
function once<T>(make: (language: Language) => T): () => T {
  const made = new Map<Language, T>()
  return () => {
    if (!made.has(chosen.value)) made.set(chosen.value, make(chosen.value))
    return made.get(chosen.value)!
  }
}
const DAY: Intl.DateTimeFormatOptions = { month: 'numeric', day: 'numeric' }
// Not `hour12: false`, which in some languages calls midnight 24.
const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
// A day of the calendar belongs to no zone: it is laid into UTC and read there.
const CALENDAR: Intl.DateTimeFormatOptions = { timeZone: 'UTC' }
const formats = (options: Intl.DateTimeFormatOptions) =>
  once((language) => new Intl.DateTimeFormat(language, options))
const days = formats(DAY)
const daysOfYears = formats({ ...DAY, year: 'numeric' })
const dates = formats({ ...DAY, ...CALENDAR })
const datesOfYears = formats({ ...DAY, ...CALENDAR, year: 'numeric' })
const moments = formats({ ...DAY, ...TIME })
const momentsOfYears = formats({ ...DAY, ...TIME, year: 'numeric' })
const clocks = formats({ ...TIME, second: '2-digit' })
const spans = once((language) => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))
const LENGTHS = { day: 'n-days', hour: 'n-hours', minute: 'n-minutes' } as const

/** The time of day, to the second. */
export const clock = (at: number): string => clocks().format(new Date(at))
const UNKNOWN = '–'

/**
 * A day. `YYYY-MM-DD` is one of the calendar and stays what it is; an instant is on the day that it
 * is here. With its year in another.
 */
export function day(at: string | Date): string {
  const calendar = typeof at === 'string' && /^\d{4}-\d\d-\d\d$/.test(at)
  const found = new Date(at)
  if (Number.isNaN(found.getTime())) return UNKNOWN
  const year = calendar ? found.getUTCFullYear() : found.getFullYear()
  const same = year === now().getFullYear()
  const format = calendar ? (same ? dates : datesOfYears) : same ? days : daysOfYears
  return format().format(found)
}

/** An instant, as the clock on the wall here shows it; with its year in another. */
export function moment(at: string | Date): string {
  const found = new Date(at)
  if (Number.isNaN(found.getTime())) return UNKNOWN
  return (found.getFullYear() === now().getFullYear() ? moments : momentsOfYears)().format(found)
}

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const
/** In the largest unit of which it is at least one. */
function span(seconds: number): [(typeof UNITS)[number][0], number] {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[2]
  return [unit, Math.trunc(seconds / size)]
}

/** How long from now, in seconds; whoever shows it is drawn anew as time passes. */
const fromNow = (at: string | Date): number => {
  void tick.value
  return (new Date(at).getTime() - now().getTime()) / 1000
}

/** "3 hours ago", "in 2 days". */
export function ago(at: string | Date): string {
  const [unit, count] = span(fromNow(at))
  if (Number.isNaN(count)) return UNKNOWN
  return spans().format(count, unit)
}

/** "3 hours": how long it has been since. */
export function since(at: string | Date): string {
  const [unit, count] = span(Math.min(0, fromNow(at)))
  if (Number.isNaN(count)) return UNKNOWN
  return t(LENGTHS[unit], { n: -count })
}

export const metres = (m: number): string => (m < 1000 ? t('metres', { n: Math.round(m) }) : t('kilometres', { n: (m / 1000).toFixed(1) }))
export const percent = (rate: number | null): string => (rate === null ? '–' : `${Math.round(rate * 100)} %`)
/** Words of a list, in the manner of the language. */
export const listed = (words: string[]): string => words.join(chosen.value === 'zh-CN' ? '、' : ', ')

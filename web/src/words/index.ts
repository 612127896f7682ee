// Every sentence of the client, in both languages; what the server says it says itself, in the language that is asked for here.
import { signal } from '@preact/signals'
import { NAMES } from '../api/names'
import { en } from './en'
import { zh } from './zh'

export type Key = keyof typeof zh
export type Language = 'zh-CN' | 'en'
const LANGUAGES: Record<Language, Record<Key, string>> = { 'zh-CN': zh, en }
const KEPT = 'language'

function first(): Language {
  const kept = typeof localStorage === 'undefined' ? null : localStorage.getItem(KEPT)
  if (kept === 'zh-CN' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

const chosen = signal<Language>(first())
export const language = (): Language => chosen.value

export function speak(language: Language): void {
  chosen.value = language
  localStorage.setItem(KEPT, language)
  document.documentElement.lang = language
}

/** The sentence `key` with its {words} filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return LANGUAGES[chosen.value][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

/** The word for one of the server's names (a state, an action, a role); the name itself where there is none. */
export function word(kind: 'state' | 'action' | 'role' | 'field' | 'reason' | 'as' | 'level' | 'unit' | 'activity', name: string): string {
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
const days = once((language) => new Intl.DateTimeFormat(language, { month: 'numeric', day: 'numeric' }))
const moments = once((language) => new Intl.DateTimeFormat(language, { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false }))
const clocks = once((language) => new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }))
const spans = once((language) => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }))

export const day = (at: string | Date): string => days().format(new Date(at))
export const moment = (at: string | Date): string => moments().format(new Date(at))
/** The time of day, to the second. */
export const clock = (at: number): string => clocks().format(new Date(at))

/** "3 hours ago", "in 2 days": the largest unit that is at least one. */
export function ago(at: string | Date): string {
  const seconds = (new Date(at).getTime() - Date.now()) / 1000
  const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60]]
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['minute', 60]
  return spans().format(Math.round(seconds / size), unit)
}

/** How long ago something was, as "6 hours" or "2 days". */
export function past(at: string | Date): string {
  const seconds = Math.max(0, (Date.now() - new Date(at).getTime()) / 1000)
  const units: [string, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60]]
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? ['minute', 60]
  return new Intl.NumberFormat(chosen.value, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor(seconds / size))
}

export const metres = (m: number): string => (m < 1000 ? t('metres', { n: Math.round(m) }) : t('kilometres', { n: (m / 1000).toFixed(1) }))
export const percent = (rate: number | null): string => (rate === null ? '–' : `${Math.round(rate * 100)} %`)
/** Words of a list, in the manner of the language. */
export const listed = (words: string[]): string => words.join(chosen.value === 'zh-CN' ? '、' : ', ')

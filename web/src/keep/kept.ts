// Answers of the server that are kept on the phone: shown at once, with their age when the server
// cannot be reached. They are kept for a time and in a number, those that name people for a day,
// and go when the account leaves this phone or may read them no more.
import { useEffect, useState } from 'preact/hooks'
import { get, Refusal, Unreachable, type Problem } from '../api/http'
import { useReturn } from './connection'
import { store } from './storing'
import { me, PUBLIC, sessionOver } from './session'

export interface Kept<T> {
  body: T | null
  /** When the server said so; null while nothing is known. */
  at: number | null
  /** It is the present answer, not one kept from before. */
  fresh: boolean
  /** Why there is no present one: the server refused, or was not reached. */
  problem: Problem | 'unreachable' | null
}

const DAY_MS = 86_400_000
export const KEPT_MS = 14 * DAY_MS
/** What names people, or says how to reach them, is kept for one day of work. */
export const PERSONAL_MS = DAY_MS
export const MOST_KEPT = 150
const PERSONAL = [
  'people', 'units', 'authorities', 'premises', 'invitations', 'stand-ins', 'black-spots',
  'sessions', 'notices', 'me', 'samples', 'channels',
]
/**
 * Of the shape in which answers are kept: what another version of the client kept in another shape
 * is not read.
 */
export const SHAPE = 2

interface Row {
  path: string
  at: number
  body: unknown
  shape?: number
}

export const isPersonal = (path: string): boolean =>
  PERSONAL.includes(path.split(/[/?]/)[2] ?? '')
const lasts = (path: string): number =>
  PUBLIC.includes(path) ? Infinity : isPersonal(path) ? PERSONAL_MS : KEPT_MS
/** Neither too old, nor of another shape, nor from the future of a clock that was set back. */
const holds = (row: Row): boolean =>
  row.shape === SHAPE && Math.abs(Date.now() - row.at) <= lasts(row.path)

async function row(path: string): Promise<Row | undefined> {
  try {
    const found = (await (await store()).get('kept', path)) as Row | undefined
    return found && holds(found) ? found : undefined
  } catch {
    return undefined
  }
}

export async function read<T>(path: string): Promise<T | null> {
  return ((await row(path))?.body as T | undefined) ?? null
}

let puts = 0
/**
 * Kept only while the phone still belongs to who asked: an answer that comes after that is
 * nobody's. One transaction sees to both.
 */
async function keep(path: string, body: unknown, account: string | null): Promise<void> {
  if ((me.value?.id ?? null) !== account) return
  try {
    const db = await store()
    const tx = db.transaction(['kept', 'facts'], 'readwrite')
    const owner = ((await tx.objectStore('facts').get('account')) ?? null) as string | null
    if (owner === account)
      await tx.objectStore('kept').put({ path, at: Date.now(), body, shape: SHAPE } as Row)
    await tx.done
    puts += 1
    if (puts % 20 === 0 || (await db.count('kept')) > MOST_KEPT) await sweepKept()
  } catch {
    // Full, or no store: then it is not readable offline, which is all that is lost.
  }
}

async function drop(path: string): Promise<void> {
  await store()
    .then((db) => db.delete('kept', path))
    .catch(() => {})
}

/** Do away with what is too old, and with the oldest beyond the number that is kept. */
export async function sweepKept(): Promise<void> {
  try {
    const tx = (await store()).transaction('kept', 'readwrite')
    const rows = (await tx.store.getAll()) as Row[]
    const good = rows
      .filter(holds)
      .sort(
        (a, b) => Number(PUBLIC.includes(b.path)) - Number(PUBLIC.includes(a.path)) || b.at - a.at,
      )
    const stay = new Set(good.slice(0, MOST_KEPT).map(({ path }) => path))
    await Promise.all(
      rows.filter(({ path }) => !stay.has(path)).map(({ path }) => tx.store.delete(path)),
    )
    await tx.done
  } catch {
    // No store: nothing is kept.
  }
}

/** The caller may not read it (any more), or it is gone: what was kept of it goes too. */
const isLost = (error: unknown): boolean =>
  error instanceof Refusal && [401, 403, 404, 410].includes(error.status)

// Of answers to the same question the one that was asked for last is kept, in whatever order they
// come.
const asked = new Map<string, number>()

async function asking<T>(path: string, ask: () => Promise<T>): Promise<T> {
  const account = me.value?.id ?? null
  const turn = (asked.get(path) ?? 0) + 1
  asked.set(path, turn)
  try {
    const body = await ask()
    if (asked.get(path) === turn) await keep(path, body, account)
    return body
  } catch (error) {
    if (isLost(error)) await drop(path)
    throw error
  }
}

/** GET and keep. Throws as `get` does. */
export const fetchKept = <T>(path: string): Promise<T> => asking(path, () => get<T>(path))

/** All pages of a list, kept as one answer under its first page's address. */
export const fetchAllKept = <T>(
  path: string,
  field: 'items' | 'features' = 'items',
): Promise<T[]> =>
  asking(path, async () => {
    const all: T[] = []
    let cursor: string | null = null
    do {
      const joint: string = path.includes('?') ? '&' : '?'
      const page: Record<string, unknown> = await get(
        `${path}${joint}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      )
      if (!Array.isArray(page?.[field])) throw new Unreachable()
      all.push(...(page[field] as T[]))
      cursor = page['next_cursor'] as string | null
    } while (cursor)
    return all
  })

// Of the page that is shown: when it breaks, one of these may be why, and would break it again.
const used = new Set<string>()
export const beginPage = (): void => used.clear()
export const dropUsed = async (): Promise<void> => {
  await Promise.all([...used].map(drop))
}

const NOTHING = { body: null, at: null, fresh: false, problem: null }

/**
 * An answer for a screen: first as it is kept, then as it is. `null` asks nothing. `beat` asks anew
 * when it changes.
 */
export function useKept<T>(
  path: string | null,
  beat: unknown = 0,
  all?: 'items' | 'features',
): Kept<T> {
  const account = me.value?.id ?? null
  const key = `${account} ${path}`
  const [state, setState] = useState<Kept<T> & { key: string }>({ key, ...NOTHING })
  const [tries, setTries] = useState(0)
  useEffect(() => {
    if (path === null) return
    used.add(path)
    let gone = false
    // What another address answered, or another account was answered, is not this one's.
    const set = (next: (now: Kept<T>) => Kept<T>) =>
      !gone && setState((now) => ({ key, ...next(now.key === key ? now : NOTHING) }))
    void (async () => {
      const kept = await row(path)
      // What is on the screen already is younger than what is kept, or the same.
      set((now) =>
        now.body === null && kept
          ? { body: kept.body as T, at: kept.at, fresh: false, problem: null }
          : { ...now, fresh: false },
      )
      try {
        const body = all ? ((await fetchAllKept(path, all)) as T) : await fetchKept<T>(path)
        set(() => ({ body, at: Date.now(), fresh: true, problem: null }))
      } catch (error) {
        if (error instanceof Refusal && error.status === 401) await sessionOver(account)
        const problem = error instanceof Refusal ? error.problem : 'unreachable'
        set((now) => (isLost(error) ? { ...NOTHING, problem } : { ...now, problem }))
      }
    })()
    return () => {
      gone = true
    }
  }, [key, beat, all, tries])
  useReturn(state.key === key && state.problem === 'unreachable', () => setTries((n) => n + 1))
  return state.key === key ? state : NOTHING
}

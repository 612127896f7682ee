// Answers of the server that are kept on the phone: shown at once, with their age when the server cannot be reached.
import { useEffect, useState } from 'preact/hooks'
import { get, Refusal, type Problem } from '../api/http'
import { database } from './database'
import { sessionOver } from './session'

export interface Kept<T> {
  body: T | null
  /** When the server said so; null while nothing is known. */
  at: number | null
  /** It is the present answer, not one kept from before. */
  fresh: boolean
  /** Why there is no present one: the server refused, or was not reached. */
  problem: Problem | 'unreachable' | null
}

export async function read<T>(path: string): Promise<T | null> {
  try {
    return ((await (await database()).get('kept', path))?.body as T | undefined) ?? null
  } catch {
    return null
  }
}

async function keep(path: string, body: unknown): Promise<void> {
  try {
    await (await database()).put('kept', { path, at: Date.now(), body })
  } catch {
    // Full, or no store: then it is not readable offline, which is all that is lost.
  }
}

/** GET and keep. Throws as `get` does. */
export async function fetchKept<T>(path: string): Promise<T> {
  const body = await get<T>(path)
  await keep(path, body)
  return body
}

/** All pages of a list, kept as one answer under its first page's address. */
export async function fetchAllKept<T>(path: string, field: 'items' | 'features' = 'items'): Promise<T[]> {
  const all: T[] = []
  let cursor: string | null = null
  do {
    const joint: string = path.includes('?') ? '&' : '?'
    const page: Record<string, unknown> = await get(`${path}${joint}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`)
    all.push(...(page[field] as T[]))
    cursor = page['next_cursor'] as string | null
  } while (cursor)
  await keep(path, all)
  return all
}

const NOTHING = { body: null, at: null, fresh: false, problem: null }

/** An answer for a screen: first as it is kept, then as it is. `null` asks nothing. `beat` asks anew when it changes. */
export function useKept<T>(path: string | null, beat: unknown = 0, all?: 'items' | 'features'): Kept<T> {
  const [state, setState] = useState<Kept<T> & { path: string | null }>({ path, ...NOTHING })
  useEffect(() => {
    if (path === null) return
    let gone = false
    // What another address answered is not this one's.
    const set = (next: (now: Kept<T>) => Kept<T>) => !gone && setState((now) => ({ path, ...next(now.path === path ? now : NOTHING) }))
    void (async () => {
      const kept = await database().then((db) => db.get('kept', path)).catch(() => undefined)
      set((now) => (kept ? { body: kept.body as T, at: kept.at, fresh: false, problem: null } : { ...now, fresh: false }))
      try {
        const body = all ? ((await fetchAllKept(path, all)) as T) : await fetchKept<T>(path)
        set(() => ({ body, at: Date.now(), fresh: true, problem: null }))
      } catch (error) {
        if (error instanceof Refusal && error.status === 401) await sessionOver()
        set((now) => ({ ...now, problem: error instanceof Refusal ? error.problem : 'unreachable' }))
      }
    })()
    return () => {
      gone = true
    }
  }, [path, beat])
  return state.path === path ? state : NOTHING
}

// Questions to the server that replace each other. An answer is taken by what it was asked for,
// never by when it comes: that of an earlier question is late, however much later it arrives.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Problem } from '../api/http'
import type { Page } from '../api/wire'
import { useReturn } from './connection'

/** Takes turns: what `begin` returns says whether its turn still stands. */
export class Turns {
  private last = 0
  begin(): () => boolean {
    this.last += 1
    const mine = this.last
    return () => mine === this.last
  }
}

export interface Paged<T> {
  /** What was asked. */
  key: string
  items: T[] | null
  next: string | null
  problem: Problem | 'unreachable' | null
  /** A page is on its way. */
  busy: boolean
}

export const unasked = <T>(key: string): Paged<T> => ({
  key,
  items: null,
  next: null,
  problem: null,
  busy: true,
})

export interface Paging {
  /** The first page of what `key` asks for. */
  ask(key: string): Promise<void>
  /** The page that follows, once however often it is asked for. */
  more(): Promise<void>
  stop(): void
}

type Load<T> = (key: string, cursor: string | null) => Promise<Page<T>>

/** A list that is read page by page, shown by `show` after each step. */
export function paging<T>(
  load: Load<T>,
  show: (state: Paged<T>) => void,
  why: (error: unknown) => Problem | 'unreachable',
): Paging {
  const turns = new Turns()
  let state = unasked<T>('')
  const move = (next: Paged<T>) => show((state = next))
  const read = async (cursor: string | null) => {
    const stands = turns.begin()
    const { key } = state
    try {
      const page = await load(key, cursor)
      if (!stands()) return
      const before = cursor ? (state.items ?? []) : []
      move({
        key,
        items: [...before, ...page.items],
        next: page.next_cursor,
        problem: null,
        busy: false,
      })
    } catch (error) {
      if (stands()) move({ ...state, problem: why(error), busy: false })
    }
  }
  return {
    ask(key) {
      // Asked again, what is on the screen stays until the answer comes.
      move(key === state.key ? { ...state, busy: true } : unasked(key))
      return read(null)
    },
    async more() {
      if (state.busy || !state.next) return
      move({ ...state, busy: true })
      await read(state.next)
    },
    stop() {
      turns.begin()
    },
  }
}

export interface Pages<T> extends Paged<T> {
  more: () => void
}

/** The pages of what `key` asks for; never those of another key. */
export function usePages<T>(
  key: string,
  load: Load<T>,
  why: (error: unknown) => Problem | 'unreachable',
): Pages<T> {
  const [state, setState] = useState<Paged<T>>(() => unasked(key))
  const loading = useRef(load)
  loading.current = load
  const made = useRef<Paging | null>(null)
  made.current ??= paging<T>((asked, cursor) => loading.current(asked, cursor), setState, why)
  const pages = made.current
  useEffect(() => {
    void pages.ask(key)
  }, [key])
  useEffect(() => () => pages.stop(), [])
  const present = state.key === key ? state : unasked<T>(key)
  useReturn(present.problem === 'unreachable', () => void pages.ask(key))
  return { ...present, more: () => void pages.more() }
}

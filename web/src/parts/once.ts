// A tap that comes twice is one tap: while what it began is under way, it begins nothing.
import { signal } from '@preact/signals'
import { useRef, useState } from 'preact/hooks'
import type { Issue } from '../api/wire'
import { look, own } from '../keep/sending'

/** The time in which a second tap is the trembling of the first. */
const TREMBLE_MS = 800

const held = signal<ReadonlySet<string>>(new Set())
const hold = (key: string, on: boolean): void => {
  const next = new Set(held.value)
  if (on) next.add(key)
  else next.delete(key)
  held.value = next
}

/** Do `work` unless the same is under way already, in whatever part of the screen it was begun. */
export async function once(key: string, work: () => Promise<unknown>): Promise<void> {
  if (held.peek().has(key)) return
  hold(key, true)
  const least = new Promise((done) => setTimeout(done, TREMBLE_MS))
  try {
    await work()
  } finally {
    await least
    hold(key, false)
  }
}

const keyOf = (issue: Pick<Issue, 'id'>): string => `issue:${issue.id}`

/**
 * Act on an issue, once: until what was done lies in the outbox, where it is seen to be on its way.
 */
export const actOnce = (issue: Issue, work: () => Promise<unknown>): Promise<void> =>
  once(keyOf(issue), async () => {
    await work()
    await look()
  })

/**
 * Whether something that was decided about an issue is on its way still: until the answer comes
 * nothing more can be decided.
 */
export const isBusy = (issue: Pick<Issue, 'id'>): boolean =>
  held.value.has(keyOf(issue)) ||
  own.value.some(
    (entry) => entry.kind === 'action' && entry.state === 'waiting' && entry.issue === issue.id,
  )

export interface Once {
  busy: boolean
  run: (work: () => Promise<unknown>) => Promise<void>
}

/** For the buttons of one screen. */
export function useOnce(): Once {
  const [busy, setBusy] = useState(false)
  const under = useRef(false)
  const run = async (work: () => Promise<unknown>) => {
    if (under.current) return
    under.current = true
    setBusy(true)
    try {
      await work()
    } finally {
      under.current = false
      setBusy(false)
    }
  }
  return { busy, run }
}

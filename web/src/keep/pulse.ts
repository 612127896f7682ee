// When an answer that is shown is asked for anew: soon after something changed, and by time where
// nothing does, since what is counted (overdue, this week) changes by the clock alone.
import { useEffect, useState } from 'preact/hooks'
import { beat, online } from './sync'

/** Changes come in crowds: one asking is enough for all of them within this. */
const SOON_MS = 10_000
const AT_LEAST_MS = 60_000

export interface PulseClock {
  /** Something changed. */
  stir(): void
  stop(): void
}

/**
 * Calls `ask` so long after a change, and at the least every so often; not while nobody looks, but
 * at once when somebody does again.
 */
export function pulse(
  ask: () => void,
  seen: () => boolean,
  soon = SOON_MS,
  atLeast = AT_LEAST_MS,
): PulseClock {
  let asked = Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined
  const due = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(fire, Math.max(0, ms))
  }
  const fire = () => {
    if (!seen()) return due(soon)
    asked = Date.now()
    due(atLeast)
    ask()
  }
  due(atLeast)
  return {
    stir: () => due(Math.max(0, asked + soon - Date.now())),
    stop: () => clearTimeout(timer),
  }
}

const visible = (): boolean =>
  typeof document === 'undefined' || document.visibilityState !== 'hidden'

/** Counts up when what is shown is to be asked for anew. */
export function usePulse(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const clock = pulse(() => setCount((now) => now + 1), visible)
    let first = true
    const heard = () => {
      if (!first) clock.stir()
    }
    const stop = [beat.subscribe(heard), online.subscribe(heard)]
    first = false
    const look = () => visible() && clock.stir()
    document.addEventListener('visibilitychange', look)
    return () => {
      clock.stop()
      stop.forEach((end) => end())
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return count
}

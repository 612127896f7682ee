// Time as screens see it: what depends on the clock alone (how long ago, overdue or not) is drawn
// anew when it moves on.
import { signal } from '@preact/signals'
import { now } from './clock'

const STEP_MS = 15_000
const step = (): number => Math.floor(now().getTime() / STEP_MS)

/** Read by whatever is to be drawn anew as time passes. */
export const tick = signal(step())
let timer: ReturnType<typeof setInterval> | undefined

const look = (): void => {
  tick.value = step()
}

export function startTicking(): void {
  clearInterval(timer)
  timer = setInterval(look, STEP_MS / 3)
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', look)
}

export function stopTicking(): void {
  clearInterval(timer)
  if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', look)
}

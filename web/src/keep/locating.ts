// Where the phone is, as long as somebody looks. What the phone knew long ago is not where it is.
import { computed, signal } from '@preact/signals'
import type { Spot } from '../parts/geo'

/** A place that the phone told, with how exactly (null: it does not say) and when it was there. */
export type Fix = Spot & { accuracy_m: number | null; at: number }
export type Trouble = 'denied' | 'unknown' | 'absent' | null
export interface Located {
  /** Where the phone is. */
  spot: Fix | null
  /** Where it last was, when that is no longer to be called here. */
  past: Fix | null
  trouble: Trouble
}

/** So long a fix counts as here. */
export const FRESH_MS = 120_000
export const MOST_ACCURACY_M = 1_000_000
const TICK_MS = 15_000
/** A phone that stands still tells nothing: after so long it is asked again. */
const ASK_AGAIN_MS = 60_000
const AHEAD_MS = 60_000
const OPTIONS: PositionOptions = { enableHighAccuracy: true, maximumAge: 15_000, timeout: 20_000 }

/** Metres as the service takes them; null where the phone says nothing that could be meant. */
export function knownAccuracy(m: number | null | undefined): number | null {
  return typeof m === 'number' && m >= 0 && m !== Infinity
    ? Math.min(MOST_ACCURACY_M, Math.round(m))
    : null
}

interface Told {
  coords: { latitude: number; longitude: number; accuracy: number }
  timestamp: number
}

export function asFix({ coords, timestamp }: Told, now: number): Fix | null {
  const { latitude: lat, longitude: lon } = coords
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return null
  // No time, or one to come, says nothing: it was told now.
  const at = timestamp > 0 && timestamp < now + AHEAD_MS ? Math.min(timestamp, now) : now
  return { lat, lon, accuracy_m: knownAccuracy(coords.accuracy), at }
}

export function judge(fix: Fix | null, trouble: Trouble, now: number): Located {
  // A fix from the future is of a clock that was set back since: how old it is nobody knows.
  const here = fix !== null && Math.abs(now - fix.at) <= FRESH_MS
  return { spot: here ? fix : null, past: here ? null : fix, trouble }
}

const last = signal<Fix | null>(null)
const trouble = signal<Trouble>(null)
const tick = signal(Date.now())
export const located = computed<Located>(() => judge(last.value, trouble.value, tick.value))

let watch: number | null = null
let timer: ReturnType<typeof setInterval> | undefined
let watchers = 0

function heard(position: Told): void {
  const now = Date.now()
  const fix = asFix(position, now)
  // An earlier one that comes later is not taken; one of a time to come says nothing of order.
  if (!fix || (last.value && fix.at < last.value.at && last.value.at < now + AHEAD_MS)) return
  tick.value = now
  last.value = fix
  trouble.value = null
}

function failed(error: GeolocationPositionError): void {
  trouble.value = error.code === error.PERMISSION_DENIED ? 'denied' : 'unknown'
}

function begin(): void {
  watch = navigator.geolocation.watchPosition(heard, failed, OPTIONS)
}

function beat(): void {
  tick.value = Date.now()
  if (last.value && Math.abs(tick.value - last.value.at) > ASK_AGAIN_MS) {
    navigator.geolocation.getCurrentPosition(heard, () => {}, { ...OPTIONS, maximumAge: 0 })
  }
}

/**
 * The screen is on again: what was here before may be far away, and some phones have stopped
 * telling.
 */
function awake(): void {
  if (document.visibilityState === 'hidden' || watch === null) return
  tick.value = Date.now()
  if (located.value.spot) return
  navigator.geolocation.clearWatch(watch)
  begin()
}

/** Begin to look; call what is returned to stop. */
export function locate(): () => void {
  watchers += 1
  tick.value = Date.now()
  if (!('geolocation' in navigator)) trouble.value = 'absent'
  else if (watch === null) {
    begin()
    timer = setInterval(beat, TICK_MS)
    document.addEventListener('visibilitychange', awake)
  }
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    watchers -= 1
    if (watchers > 0 || watch === null) return
    clearInterval(timer)
    document.removeEventListener('visibilitychange', awake)
    navigator.geolocation.clearWatch(watch)
    watch = null
  }
}

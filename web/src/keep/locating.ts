// Where the phone is, as long as somebody looks.
import { signal } from '@preact/signals'
import type { Spot } from '../parts/geo'

export type Located = { spot: (Spot & { accuracy_m: number }) | null; trouble: 'denied' | 'unknown' | 'absent' | null }
export const located = signal<Located>({ spot: null, trouble: null })
let watch: number | null = null
let watchers = 0

/** Begin to look; call what is returned to stop. */
export function locate(): () => void {
  watchers += 1
  if (!('geolocation' in navigator)) located.value = { spot: null, trouble: 'absent' }
  else watch ??= navigator.geolocation.watchPosition(
      ({ coords }) => (located.value = { spot: { lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.round(coords.accuracy) }, trouble: null }),
      (error) => (located.value = { ...located.value, trouble: error.code === error.PERMISSION_DENIED ? 'denied' : 'unknown' }),
      { enableHighAccuracy: true, maximumAge: 15_000, timeout: 20_000 },
    )
  let stopped = false
  return () => {
    if (stopped) return
    stopped = true
    watchers -= 1
    if (watchers === 0 && watch !== null) {
      navigator.geolocation.clearWatch(watch)
      watch = null
    }
  }
}

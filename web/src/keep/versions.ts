// A newer client waits in the service worker until people take it: the page that they work on is
// not changed beneath their hands.
import { signal } from '@preact/signals'

/**
 * A newer version is there: `waits` to be taken, or was `taken` in another window, which this page
 * has not followed yet.
 */
export const newer = signal<'none' | 'waits' | 'taken'>('none')
const LOOK_EVERY_MS = 60 * 60_000

let asked = false
let registered: ServiceWorkerRegistration | null = null

/** Take the newer version in all windows, and load this one anew. */
export function takeNewer(): void {
  asked = true
  const waiting = registered?.waiting
  if (newer.value === 'waits' && waiting) waiting.postMessage({ kind: 'take-over' })
  else location.reload()
}

function follow(registration: ServiceWorkerRegistration | undefined): void {
  // Where it is not allowed some browsers answer with nothing instead of refusing.
  if (!registration) return
  registered = registration
  const look = () => {
    // Without one in charge this is the first, and waits for nobody.
    if (registration.waiting && navigator.serviceWorker.controller) newer.value = 'waits'
  }
  look()
  registration.addEventListener('updatefound', () => {
    const found = registration.installing
    found?.addEventListener('statechange', () => {
      if (found.state === 'installed') look()
    })
  })
  let looked = Date.now()
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden' || Date.now() - looked < LOOK_EVERY_MS) return
    looked = Date.now()
    void registration.update().catch(() => {})
  })
}

/** Install the service worker for the next time, and learn of newer ones. */
export function startVersions(): void {
  if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return
  // The first one that takes charge brings nothing new.
  let first = navigator.serviceWorker.controller === null
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (first) first = false
    else if (asked) location.reload()
    else newer.value = 'taken'
  })
  const register = () => void navigator.serviceWorker.register('/sw.js').then(follow, () => {})
  if (document.readyState === 'complete') register()
  else addEventListener('load', register, { once: true })
}

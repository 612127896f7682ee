// Whether the server is to be reached, and trying again what failed for want of it.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export const online = signal<boolean>(typeof navigator === 'undefined' || navigator.onLine)
const AGAIN_MS = 30_000

/**
 * The browser says so at once when the network goes; that it came back is known when the server has
 * answered.
 */
export function startConnection(): void {
  addEventListener('offline', () => {
    online.value = false
  })
}

/**
 * While something has `failed` for want of a network: try again when it is back, and now and then,
 * since not every browser says so.
 */
export function useReturn(failed: boolean, again: () => void): void {
  const now = useRef(again)
  now.current = again
  const connected = online.value
  const before = useRef(connected)
  useEffect(() => {
    const came = connected && !before.current
    before.current = connected
    if (failed && came) now.current()
  }, [connected])
  useEffect(() => {
    if (!failed) return
    const back = () => now.current()
    const timer = setInterval(() => document.visibilityState !== 'hidden' && back(), AGAIN_MS)
    addEventListener('online', back)
    return () => {
      clearInterval(timer)
      removeEventListener('online', back)
    }
  }, [failed])
}

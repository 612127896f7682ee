// Whether the phone has room, asked before work could be lost.
import { signal } from '@preact/signals'
import { database } from './database'

export type Room = 'enough' | 'little' | 'none'
export const room = signal<Room>('enough')
const LITTLE = 50_000_000

export async function lookForRoom(): Promise<void> {
  try {
    await database()
  } catch {
    room.value = 'none'
    return
  }
  try {
    // Asks the browser not to clear the store by itself; it decides.
    void navigator.storage?.persist?.()
    const estimate = await navigator.storage?.estimate?.()
    const free = estimate?.quota === undefined ? Infinity : estimate.quota - (estimate.usage ?? 0)
    room.value = free < LITTLE ? 'little' : 'enough'
  } catch {
    room.value = 'enough'
  }
}

export const isFull = (error: unknown): boolean => error instanceof DOMException && error.name === 'QuotaExceededError'

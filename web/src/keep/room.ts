// Whether the phone has room, asked before work could be lost; and whether its store is still
// there.
import { signal } from '@preact/signals'
import { database, isFull, onStore, type StoreState } from './database'

export { isFull }
export type Room = 'enough' | 'little' | 'none'
export const room = signal<Room>('enough')
/** What became of the store: see `StoreState`. */
export const store = signal<StoreState>('open')
/** Something that was filled in could not be written down: it is on the screen alone. */
export const unkept = signal(false)
const LITTLE = 50_000_000

/**
 * How often the store was opened anew after the browser had closed it: what is on the screen is
 * then to be written down again.
 */
export const openedAnew = signal(0)

let silent = false
onStore((state) => {
  if (state === 'silent') {
    silent = true
    room.value = 'none'
    return
  }
  if (state === 'open' && silent) {
    silent = false
    void lookForRoom()
  }
  if (state === 'open' && store.value === 'closed') openedAnew.value += 1
  store.value = state
})

/** Follow whether what is filled in gets written down. */
export async function written(work: Promise<void>): Promise<void> {
  try {
    await work
    unkept.value = false
  } catch {
    unkept.value = true
  }
}

export async function lookForRoom(): Promise<void> {
  try {
    await database()
  } catch {
    if (store.value !== 'newer') room.value = 'none'
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

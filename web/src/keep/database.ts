// What the phone keeps, in IndexedDB. Nothing that a person entered lives anywhere else.
import {
  openDB,
  type DBSchema,
  type IDBPDatabase,
  type IDBPTransaction,
  type StoreNames,
} from 'idb'
import type { Problem } from '../api/http'
import type { Issue } from '../api/wire'

/** Why something is not tried before an instant, and what may shorten that. */
export interface Wait {
  until: number
  /**
   * `line`: it was not reached, so a network that comes back ends it. `server`: it was answered,
   * and asked to wait.
   */
  by: 'line' | 'server'
}

/**
 * One request that waits to be sent: sent again and again until the server has answered, always
 * under the same id.
 */
export interface Entry {
  seq?: number
  id: string
  account: string
  made_at: number
  kind: 'report' | 'action' | 'patrol' | 'points' | 'note'
  method: 'PUT' | 'POST'
  path: string
  body: unknown
  headers: Record<string, string>
  /** The issue it is about; of a report the issue it will make. */
  issue: string | null
  /** What to call it on the screen: an action's name, a category's code. */
  name: string
  photos: string[]
  state: 'waiting' | 'refused'
  problem: Problem | null
  /** How often in succession it was not taken. */
  tries: number
  wait?: Wait | null
}

export interface KeptPhoto {
  id: string
  account: string
  blob: Blob
  /** How much of it has arrived. */
  offset: number
  /** `draft` until the form that holds it is left. */
  state: 'draft' | 'waiting' | 'received' | 'refused'
  problem: Problem | null
  at: number
  tries?: number
  wait?: Wait | null
}

interface Shape extends DBSchema {
  facts: { key: string; value: unknown }
  issues: { key: string; value: Issue }
  kept: { key: string; value: { path: string; at: number; body: unknown } }
  outbox: { key: number; value: Entry; indexes: { id: string } }
  photos: { key: string; value: KeptPhoto }
}

export type Database = IDBPDatabase<Shape>
export const VERSION = 1

/**
 * What became of the store: `open`; `closed` by the browser, which may have cleared it; `newer`:
 * another tab has put a newer one in its place, and this page must be loaded anew; `blocked`:
 * another tab holds an older one open; `silent`: it neither opens nor fails, as in some browsers.
 */
export type StoreState = 'open' | 'closed' | 'newer' | 'blocked' | 'silent'
let tell: (state: StoreState) => void = () => {}
export function onStore(listener: (state: StoreState) => void): void {
  tell = listener
}

let opened: Promise<Database> | null = null
/** Another tab has taken the store to a newer version, or is about to. */
let newer = false

/**
 * The phone's store. Rejects where the browser has none (private windows of some): `keep/room.ts`
 * tells people.
 */
export function database(): Promise<Database> {
  opened ??= open()
  return opened
}

async function open(): Promise<Database> {
  try {
    const db = await openDB<Shape>('gridpatrol', VERSION, {
      upgrade(db) {
        db.createObjectStore('facts')
        db.createObjectStore('issues', { keyPath: 'id' })
        db.createObjectStore('kept', { keyPath: 'path' })
        db.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true }).createIndex(
          'id',
          'id',
          { unique: true },
        )
        db.createObjectStore('photos', { keyPath: 'id' })
      },
      blocked: () => tell('blocked'),
      blocking(_present, wanted, event) {
        // Another tab wants to change the store: this one lets go at once, and opens it again when
        // it is next used.
        opened = null
        ;(event.target as IDBDatabase).close()
        // Nobody wants a version when the store is deleted: that is a clearing.
        newer = wanted !== null
        tell(newer ? 'newer' : 'closed')
      },
      terminated() {
        opened = null
        tell('closed')
      },
    })
    newer = false
    tell('open')
    return db
  } catch (error) {
    opened = null
    if (error instanceof DOMException && error.name === 'VersionError') tell('newer')
    throw error
  }
}

const PATIENCE_MS = 6_000
let silent = false

/**
 * The store, for as long as people can be kept waiting. Rejects when it did not open in time, from
 * then on at once; should it open after all, it is used again.
 */
export async function storeInTime(): Promise<Database> {
  const opening = database()
  if (silent) throw new Error('the store does not answer')
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => {
      silent = true
      tell('silent')
      const over = () => (silent = false)
      void opening.then(() => {
        over()
        tell('open')
      }, over)
      fail(new Error('the store does not answer'))
    }, PATIENCE_MS)
  })
  try {
    return await Promise.race([opening, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Work with the store. When the browser has closed it meanwhile it is opened again, once. */
export async function using<T>(work: (db: Database) => Promise<T>): Promise<T> {
  try {
    return await work(await storeInTime())
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error
    opened = null
    return work(await storeInTime())
  }
}

type Stores = StoreNames<Shape>[]
export type Transaction = IDBPTransaction<Shape, Stores, 'readwrite'>

/**
 * Change several things in one transaction: all of it, or nothing when `work` throws or the phone
 * is full.
 */
export async function together<T>(
  stores: Stores,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return using(async (db) => {
    const tx = db.transaction(stores, 'readwrite')
    // Told by what is awaited below; a transaction that fails says so twice.
    tx.done.catch(() => {})
    try {
      const result = await work(tx)
      await tx.done
      return result
    } catch (error) {
      try {
        tx.abort()
      } catch {
        // It has ended by itself.
      }
      throw error
    }
  })
}

export async function fact<T>(key: string): Promise<T | undefined> {
  return using(async (db) => (await db.get('facts', key)) as T | undefined)
}

export async function setFact(key: string, value: unknown): Promise<void> {
  await using(async (db) => {
    const tx = db.transaction('facts', 'readwrite')
    tx.done.catch(() => {})
    const work = value === undefined ? tx.store.delete(key) : tx.store.put(value, key)
    // Without waiting for the answer first: the page may be gone by then.
    tx.commit?.()
    await Promise.all([work, tx.done])
  })
}

export const isFull = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'QuotaExceededError'

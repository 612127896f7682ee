// What the phone keeps, in IndexedDB. Nothing that a person entered lives anywhere else.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Problem } from '../api/http'
import type { Issue } from '../api/wire'

/** One request that waits to be sent: sent again and again until the server has answered, always under the same id. */
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
  tries: number
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
}

interface Shape extends DBSchema {
  facts: { key: string; value: unknown }
  issues: { key: string; value: Issue }
  kept: { key: string; value: { path: string; at: number; body: unknown } }
  outbox: { key: number; value: Entry; indexes: { id: string } }
  photos: { key: string; value: KeptPhoto }
}

export type Database = IDBPDatabase<Shape>
let opened: Promise<Database> | null = null

/** The phone's store. Rejects where the browser has none (private windows of some): `keep/room.ts` tells people. */
export function database(): Promise<Database> {
  opened ??= openDB<Shape>('gridpatrol', 1, {
    upgrade(db) {
      db.createObjectStore('facts')
      db.createObjectStore('issues', { keyPath: 'id' })
      db.createObjectStore('kept', { keyPath: 'path' })
      db.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true }).createIndex('id', 'id', { unique: true })
      db.createObjectStore('photos', { keyPath: 'id' })
    },
    terminated() {
      opened = null
    },
  }).catch((error) => {
    opened = null
    throw error
  })
  return opened
}

export async function fact<T>(key: string): Promise<T | undefined> {
  return (await (await database()).get('facts', key)) as T | undefined
}

export async function setFact(key: string, value: unknown): Promise<void> {
  const db = await database()
  if (value === undefined) await db.delete('facts', key)
  else await db.put('facts', value, key)
}

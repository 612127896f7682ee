// The phone's store, for as long as people can be kept waiting: in some browsers it neither opens
// nor fails.
import { database, type Database } from './database'
import { lookForRoom, room } from './room'

const PATIENCE_MS = 6_000
let silent = false

/**
 * The store. Rejects when it did not open in time, from then on at once; should it open after all,
 * it is used again.
 */
export async function store(): Promise<Database> {
  const opening = database()
  if (silent) throw new Error('the store does not answer')
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => {
      silent = true
      room.value = 'none'
      fail(new Error('the store does not answer'))
      void opening.then(
        () => {
          silent = false
          void lookForRoom()
        },
        () => {},
      )
    }, PATIENCE_MS)
  })
  try {
    return await Promise.race([opening, late])
  } finally {
    clearTimeout(timer)
  }
}

export async function noteFact(key: string, value: unknown): Promise<void> {
  const db = await store()
  if (value === undefined) await db.delete('facts', key)
  else await db.put('facts', value, key)
}

export async function knownFact<T>(key: string): Promise<T | undefined> {
  return (await (await store()).get('facts', key)) as T | undefined
}

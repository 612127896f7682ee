// Facts on the phone, and the store for whoever works with it by hand.
import { storeInTime } from './database'

/** See there. */
export const store = storeInTime

export async function noteFact(key: string, value: unknown): Promise<void> {
  const db = await store()
  if (value === undefined) await db.delete('facts', key)
  else await db.put('facts', value, key)
}

export async function knownFact<T>(key: string): Promise<T | undefined> {
  return (await (await store()).get('facts', key)) as T | undefined
}

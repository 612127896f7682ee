// Photographs that nothing on the phone needs any more: of forms that were left by a version of the
// client that did not keep them.
import { together } from './database'

/** Another tab may run an older version, which keeps a photograph before its form. */
const YOUNG_MS = 5 * 60_000
export const DRAFTS = ['draft:', 'form:']

interface Holding {
  photos?: string[]
  after?: string | null
}

/** Take away photographs that belong to no draft and no entry. How many there were. */
export async function sweep(now: number = Date.now()): Promise<number> {
  return together(['facts', 'outbox', 'photos'], async (tx) => {
    const held = new Set<string>()
    for (const prefix of DRAFTS) {
      for (const value of await tx
        .objectStore('facts')
        .getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`))) {
        const { photos, after } = (value ?? {}) as Holding
        for (const id of [...(photos ?? []), ...(after ? [after] : [])]) held.add(id)
      }
    }
    for (const entry of await tx.objectStore('outbox').getAll())
      for (const id of entry.photos) held.add(id)
    let swept = 0
    for (const photo of await tx.objectStore('photos').getAll()) {
      if (photo.state !== 'draft' || held.has(photo.id) || now - photo.at < YOUNG_MS) continue
      await tx.objectStore('photos').delete(photo.id)
      swept += 1
    }
    return swept
  })
}

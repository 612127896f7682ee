// What waits to be sent, and the sending. Runs in the page and in the service worker alike: a lock that the browser keeps lets one of
// them send at a time, and where there is none the server's ids make a second sending of the same thing harmless.
import { call, Refusal, Unreachable, type Problem } from '../api/http'
import { newId } from './ids'
import { database, fact, setFact, type Entry, type KeptPhoto } from './database'

const CHUNK = 256 * 1024
const KEEP_RECEIVED_MS = 2 * 86_400_000

/** Told to every window after each step: what moved. */
export interface Step {
  kind: 'entry' | 'photo' | 'signed-out' | 'received'
  id?: string
  offset?: number
  /** The server's answer to an entry that was received. */
  body?: unknown
}

let tell: (step: Step) => void = () => {}
export function onStep(listener: (step: Step) => void): void {
  tell = listener
}

export type NewEntry = Omit<Entry, 'seq' | 'state' | 'problem' | 'tries' | 'account' | 'made_at'>

/**
 * Put an entry into the outbox and its photographs into waiting, and do away with the draft it came from: one transaction, so the
 * form is left with everything kept or not at all. Throws QuotaExceededError when the phone is full; then nothing has changed.
 */
export async function enqueue(account: string, entry: NewEntry, draft: string | null = null): Promise<void> {
  const db = await database()
  const tx = db.transaction(['outbox', 'photos', 'facts'], 'readwrite')
  const photos = tx.objectStore('photos')
  for (const id of entry.photos) {
    const photo = await photos.get(id)
    if (photo && photo.state === 'draft') await photos.put({ ...photo, state: 'waiting' })
  }
  await tx.objectStore('outbox').add({ ...entry, account, made_at: Date.now(), state: 'waiting', problem: null, tries: 0 })
  if (draft) await tx.objectStore('facts').delete(draft)
  await tx.done
  tell({ kind: 'entry', id: entry.id })
}

/** Past the outbox, for a phone that has no room for it: the words, then whatever pictures are on the phone. Throws when the words did not arrive. */
export async function sendAtOnce(entry: NewEntry): Promise<void> {
  await call(entry.method, entry.path, entry.body, entry.headers)
  for (const id of entry.photos) {
    const photo = await database().then((db) => db.get('photos', id)).catch(() => undefined)
    if (photo) await sendPhoto(photo).catch(() => {})
  }
}

export async function entries(): Promise<Entry[]> {
  return (await database()).getAll('outbox')
}

export async function waitingPhotos(): Promise<KeptPhoto[]> {
  return (await (await database()).getAll('photos')).filter((photo) => photo.state === 'waiting' || photo.state === 'refused')
}

/** Give up an entry that the server refused, with its photographs. */
export async function discard(entry: Entry): Promise<void> {
  const db = await database()
  const tx = db.transaction(['outbox', 'photos'], 'readwrite')
  await tx.objectStore('outbox').delete(entry.seq!)
  for (const id of entry.photos) await tx.objectStore('photos').delete(id)
  await tx.done
  tell({ kind: 'entry', id: entry.id })
}

/** Send a refused entry again; without the picture of the issue that it was made on when `anyway`. */
export async function again(entry: Entry, anyway: boolean): Promise<void> {
  const headers = { ...entry.headers }
  if (anyway) delete headers['if-match']
  // A refused request freed its key; a changed one needs a new one.
  if (entry.method === 'POST') headers['idempotency-key'] = newId()
  await (await database()).put('outbox', { ...entry, headers, state: 'waiting', problem: null })
  tell({ kind: 'entry', id: entry.id })
}

export async function dropPhoto(id: string): Promise<void> {
  await (await database()).delete('photos', id)
  tell({ kind: 'photo', id })
}

export interface Outcome {
  /** Milliseconds to wait before the next try; null when nothing is left to send. */
  again: number | null
}

/** Send what waits, in the order it was made: all words first, then all pictures. Never throws. */
export async function flush(): Promise<Outcome> {
  const locks = typeof navigator !== 'undefined' ? navigator.locks : undefined
  if (!locks) return send()
  return locks.request('gridpatrol-outbox', { ifAvailable: true }, async (lock) => (lock ? send() : { again: 3_000 }))
}

async function send(): Promise<Outcome> {
  try {
    const account = await fact<string>('account')
    if (!account || (await fact<boolean>('signed-out'))) return { again: null }
    const db = await database()
    // One by one and read anew each time: somebody may have given one up meanwhile.
    let after = 0
    for (;;) {
      const cursor = await db.transaction('outbox').store.openCursor(IDBKeyRange.lowerBound(after, true))
      if (!cursor) break
      after = cursor.key
      if (cursor.value.state === 'waiting' && cursor.value.account === account) await sendEntry(cursor.value)
    }
    for (const photo of await db.getAll('photos')) {
      if (photo.state === 'waiting' && photo.account === account) await sendPhoto(photo)
      if (photo.state === 'received' && Date.now() - photo.at > KEEP_RECEIVED_MS) await db.delete('photos', photo.id)
    }
    return { again: null }
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      await setFact('signed-out', true)
      tell({ kind: 'signed-out' })
      return { again: null }
    }
    if (error instanceof Refusal) return { again: (error.retryAfterS ?? 10) * 1000 }
    if (error instanceof Unreachable) return { again: 15_000 }
    // The phone's store is gone or full: what waits is still there, or was never acknowledged.
    return { again: 60_000 }
  }
}

/** Whether the refusal is about this request alone, so that the rest need not wait for it. */
const itsOwn = (error: unknown): error is Refusal => error instanceof Refusal && error.status !== 401 && !error.passing

async function sendEntry(entry: Entry): Promise<void> {
  const db = await database()
  try {
    const answer = await call<unknown>(entry.method, entry.path, entry.body, entry.headers)
    await db.delete('outbox', entry.seq!)
    tell({ kind: 'received', id: entry.id, body: answer.body })
  } catch (error) {
    if (error instanceof Refusal && error.status === 412 && error.problem.only_added && error.problem.version) {
      // Since it was decided a picture or a comment has arrived, nothing else: that is no reason to ask again.
      return sendEntry({ ...entry, headers: { ...entry.headers, 'if-match': `"${error.problem.version}"` } })
    }
    if (itsOwn(error)) {
      await db.put('outbox', { ...entry, state: 'refused', problem: error.problem, tries: entry.tries + 1 })
      tell({ kind: 'entry', id: entry.id })
      return
    }
    await db.put('outbox', { ...entry, tries: entry.tries + 1 })
    throw error
  }
}

async function photoState(id: string, change: Partial<KeptPhoto>): Promise<void> {
  const db = await database()
  const tx = db.transaction('photos', 'readwrite')
  const present = await tx.store.get(id)
  if (present) await tx.store.put({ ...present, ...change })
  await tx.done
  tell({ kind: 'photo', id, ...(change.offset === undefined ? {} : { offset: change.offset }) })
}

/** A small picture in one go; a large one in pieces (tus 1.0.0), going on where the last connection ended. */
async function sendPhoto(photo: KeptPhoto): Promise<void> {
  try {
    if (photo.blob.size <= CHUNK) await call('PUT', `/v1/photos/${photo.id}`, photo.blob, { 'content-type': photo.blob.type || 'image/jpeg' })
    else await sendPieces(photo)
    await photoState(photo.id, { state: 'received', offset: photo.blob.size, at: Date.now() })
  } catch (error) {
    if (!itsOwn(error)) throw error
    await photoState(photo.id, { state: 'refused', problem: error.problem as Problem })
  }
}

async function sendPieces(photo: KeptPhoto): Promise<void> {
  const tus = { 'tus-resumable': '1.0.0' }
  // The upload has the photograph's id: made once, and found again with what has arrived of it.
  const made = await call('POST', '/v1/uploads', undefined, {
    ...tus, 'upload-length': String(photo.blob.size), 'upload-metadata': `photo ${btoa(photo.id)},filetype ${btoa(photo.blob.type || 'image/jpeg')}`,
  })
  let offset = Number(made.headers.get('upload-offset') ?? 0)
  await photoState(photo.id, { offset })
  while (offset < photo.blob.size) {
    const piece = await photo.blob.slice(offset, offset + CHUNK).arrayBuffer()
    const answer = await call('PATCH', `/v1/uploads/${photo.id}`, piece, {
      ...tus, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream',
    })
    offset = Number(answer.headers.get('upload-offset') ?? offset + piece.byteLength)
    await photoState(photo.id, { offset })
  }
}

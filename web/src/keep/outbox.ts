// What waits to be sent, and the sending. Runs in the page and in the service worker alike: a lock
// that the browser keeps lets one of them send at a time, and where there is none the server's ids
// make a second sending of the same thing harmless.
import { call, Refusal, Unreachable, type Answer, type Problem } from '../api/http'
import { t } from '../words'
import { newId } from './ids'
import {
  fact,
  isFull,
  together,
  using,
  type Entry,
  type KeptPhoto,
  type Transaction,
  type Wait,
} from './database'
import { LONGEST_MS, patience, waitAfter } from './patience'

const CHUNK = 256 * 1024
const KEEP_RECEIVED_MS = 2 * 86_400_000
/** After so many tries in succession that reached nobody a pass ends: there is no network. */
const SILENT = 3
const HELD_ELSEWHERE_MS = 3_000
const AT_LEAST_MS = 500
const STORE_AWAY_MS = 60_000

/** Told to every window after each step: what moved. */
export interface Step {
  kind: 'entry' | 'photo' | 'trying' | 'signed-out' | 'received'
  id?: string
  offset?: number
  /** The server's answer to an entry that was received. */
  body?: unknown
}

let tell: (step: Step) => void = () => {}
export function onStep(listener: (step: Step) => void): void {
  tell = listener
}

export type NewEntry = Omit<
  Entry,
  'seq' | 'state' | 'problem' | 'tries' | 'wait' | 'account' | 'made_at'
>

/** Photographs that a form holds are no longer on the phone: the browser has cleared its store. */
export class PhotosGone extends Error {
  constructor(readonly ids: string[]) {
    super('photographs are gone')
  }
}

/** Photographs of a report whose words have arrived are in the draft still: they go first. */
export class PicturesLeft extends Error {
  constructor(readonly n: number) {
    super('photographs are left')
  }
}

/**
 * Put an entry into the outbox and its photographs into waiting, and do away with the draft it came
 * from: one transaction, so the form is left with everything kept or not at all. Throws
 * QuotaExceededError when the phone is full, PhotosGone when a picture is not there any more; then
 * nothing has changed.
 */
export async function enqueue(
  account: string,
  entry: NewEntry,
  draft: string | null = null,
): Promise<void> {
  await together(['outbox', 'photos', 'facts'], async (tx) => {
    // Put in twice by a trembling finger it is the same thing. With other words, from another
    // window, it is not: that fails, and is told.
    const there = await tx.objectStore('outbox').index('id').get(entry.id)
    if (JSON.stringify(there?.body) !== JSON.stringify(entry.body) || !there) {
      await letGo(tx, entry.photos)
      await tx.objectStore('outbox').add({
        ...entry,
        account,
        made_at: Date.now(),
        state: 'waiting',
        problem: null,
        tries: 0,
        wait: null,
      })
    }
    if (draft) await tx.objectStore('facts').delete(draft)
  })
  tell({ kind: 'entry', id: entry.id })
}

/**
 * Photographs of a draft become such that wait to be sent. Throws PhotosGone when one is not there
 * any more.
 */
async function letGo(tx: Transaction, ids: readonly string[]): Promise<void> {
  const photos = tx.objectStore('photos')
  const found = await Promise.all(ids.map((id) => photos.get(id)))
  const gone = ids.filter((_, n) => !found[n])
  if (gone.length) throw new PhotosGone(gone)
  for (const photo of found)
    if (photo?.state === 'draft') await photos.put({ ...photo, state: 'waiting' })
}

/**
 * Past the outbox, for a phone that has no room for it: the words, then whatever pictures are on
 * the phone. Throws when the words did not arrive. Answers which pictures did not: they are on this
 * phone alone.
 */
export async function sendAtOnce(entry: NewEntry): Promise<string[]> {
  await sendWordsAtOnce(entry)
  return sendPictures(entry.photos)
}

/** The words alone. Answers what the server says to them. */
export async function sendWordsAtOnce(entry: NewEntry): Promise<unknown> {
  return expected(entry, await call(entry.method, entry.path, entry.body, entry.headers))
}

/**
 * Send pictures that lie on the phone as part of a draft, and take away those that arrived. Answers
 * which did not.
 */
export async function sendPictures(ids: readonly string[]): Promise<string[]> {
  const left: string[] = []
  for (const id of ids) {
    try {
      const photo = await using((db) => db.get('photos', id))
      if (!photo) throw new PhotosGone([id])
      await upload(photo)
      await using((db) => db.delete('photos', id))
    } catch {
      left.push(id)
    }
  }
  return left
}

/**
 * Send one picture of a form whose words are not kept here. Throws when it did not arrive; it stays
 * on the phone until the form is done.
 */
export async function uploadKept(id: string): Promise<void> {
  const photo = await using((db) => db.get('photos', id))
  if (!photo) throw new PhotosGone([id])
  await upload(photo)
}

/**
 * Let pictures of a draft wait to be sent by themselves, and do away with the draft. Throws when
 * the phone has no room for that.
 */
export async function letWait(ids: readonly string[], draft: string): Promise<void> {
  await together(['photos', 'facts'], async (tx) => {
    await letGo(tx, ids)
    await tx.objectStore('facts').delete(draft)
  })
  tell({ kind: 'photo' })
}

export async function entries(): Promise<Entry[]> {
  return using((db) => db.getAll('outbox'))
}

export async function waitingPhotos(): Promise<KeptPhoto[]> {
  const all = await using((db) => db.getAll('photos'))
  return all.filter((photo) => photo.state === 'waiting' || photo.state === 'refused')
}

/** Give up an entry that the server refused, with its photographs. */
export async function discard(entry: Entry): Promise<void> {
  await together(['outbox', 'photos'], async (tx) => {
    await tx.objectStore('outbox').delete(entry.seq!)
    for (const id of entry.photos) await tx.objectStore('photos').delete(id)
  })
  tell({ kind: 'entry', id: entry.id })
}

/**
 * Send a refused entry again; without the picture of the issue that it was made on when `anyway`.
 */
export async function again(entry: Entry, anyway: boolean): Promise<void> {
  const headers = { ...entry.headers }
  if (anyway) delete headers['if-match']
  // A refused request freed its key; a changed one needs a new one. One that is on its way again
  // since a first tap keeps the key that it has: with another it could be done twice.
  if (entry.method === 'POST') headers['idempotency-key'] = newId()
  const change = { headers, state: 'waiting' as const, problem: null, wait: null }
  await together(['outbox', 'photos'], async (tx) => {
    const present = await tx.objectStore('outbox').get(entry.seq!)
    if (present?.state !== 'refused') return
    await tx.objectStore('outbox').put({ ...present, ...change })
    for (const id of entry.photos) await photoWaits(tx, id)
  })
  tell({ kind: 'entry', id: entry.id })
}

/** What was refused for a reason that may be gone, such as a role, waits to be sent again. */
async function photoWaits(tx: Transaction, id: string): Promise<void> {
  const present = await tx.objectStore('photos').get(id)
  if (present?.state === 'refused')
    await tx.objectStore('photos').put({ ...present, state: 'waiting', problem: null, wait: null })
}

/** Send a refused photograph again. */
export async function photoAgain(id: string): Promise<void> {
  await together(['photos'], (tx) => photoWaits(tx, id))
  tell({ kind: 'photo', id })
}

export async function dropPhoto(id: string): Promise<void> {
  await using((db) => db.delete('photos', id))
  tell({ kind: 'photo', id })
}

/**
 * Wait no longer: for anything, or only for what was not reached before, now that there is a
 * network again.
 */
export async function waitNoLonger(by: 'anything' | 'line'): Promise<void> {
  await together(['outbox', 'photos'], async (tx) => {
    const over = (wait: Wait | null | undefined) =>
      wait && (by === 'anything' || wait.by === 'line')
    for (const entry of await tx.objectStore('outbox').getAll()) {
      if (over(entry.wait)) await tx.objectStore('outbox').put({ ...entry, wait: null })
    }
    for (const photo of await tx.objectStore('photos').getAll()) {
      if (over(photo.wait)) await tx.objectStore('photos').put({ ...photo, wait: null })
    }
  })
}

export interface Outcome {
  /** Milliseconds to wait before the next try; null when nothing is left to send. */
  again: number | null
}

/**
 * Send what may be sent now: words first, then pictures. What fails waits by itself, and the rest
 * goes on. Never throws. `me` is whose the phone is where the store does not say, since the browser
 * has cleared it.
 */
export async function flush(me: string | null = null): Promise<Outcome> {
  const locks = typeof navigator !== 'undefined' ? navigator.locks : undefined
  if (!locks) return pass(me)
  const elsewhere = { again: HELD_ELSEWHERE_MS }
  return locks.request('gridpatrol-outbox', { ifAvailable: true }, async (lock) =>
    lock ? pass(me) : elsewhere,
  )
}

/** How a try ended: `reached` when the service answered, whatever it said. */
type Try = 'reached' | 'silent'

/** Passes in succession that ended because nobody answered. */
let deaf = 0
/** Tries whose outcome a full phone could not write down. */
let unnoted = 0

/**
 * Write down how a try ended. A full phone cannot, and that is no reason to keep the rest from
 * being sent.
 */
async function note(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isFull(error)) throw error
    unnoted += 1
  }
}

/** The phone has changed hands while something of the former account was being sent. */
class ChangedHands extends Error {}

/** Whose is sent, and whether the phone is theirs still. */
interface Owner {
  account: string
  /** Whose the phone is by its store; undefined where the browser has cleared it. */
  kept: string | undefined
  /** Throws ChangedHands: the session that the browser presents would be another's. */
  check(): Promise<void>
}

async function ownerOf(me: string | null): Promise<Owner | null> {
  const kept = await fact<string>('account')
  const account = kept ?? me
  if (!account || (await fact<boolean>('signed-out'))) return null
  return {
    account,
    kept,
    async check() {
      if ((await fact<string>('account')) !== kept) throw new ChangedHands()
    },
  }
}

/** The server knows the session no more. Whoever has come since is not meant. */
async function signedOutOf({ kept }: Owner): Promise<void> {
  await together(['facts'], async (tx) => {
    const facts = tx.objectStore('facts')
    if ((await facts.get('account')) !== kept) throw new ChangedHands()
    await facts.put(true, 'signed-out')
  })
}

async function pass(me: string | null): Promise<Outcome> {
  let owner: Owner | null = null
  try {
    owner = await ownerOf(me)
    if (!owner) return { again: null }
    const { account } = owner
    const before = unnoted
    const cut = (await sendWords(owner)) || (await sendAllPictures(owner))
    deaf = cut ? deaf + 1 : 0
    const next = await nextTry(account)
    const least = Math.max(
      AT_LEAST_MS,
      cut ? patience(deaf) : 0,
      unnoted > before ? patience(unnoted) : 0,
    )
    unnoted = unnoted > before ? unnoted : 0
    return { again: next === null ? null : Math.max(least, next) }
  } catch (error) {
    if (error instanceof ChangedHands) return { again: AT_LEAST_MS }
    if (owner && signedOut(error)) {
      try {
        await signedOutOf(owner)
      } catch (second) {
        if (second instanceof ChangedHands) return { again: AT_LEAST_MS }
        // A full phone cannot note it; the page learns it all the same.
      }
      tell({ kind: 'signed-out', id: owner.account })
      return { again: null }
    }
    // The phone's store is gone or full: what waits is still there, or was never acknowledged.
    return { again: STORE_AWAY_MS }
  }
}

/** How long to wait still. One longer than any is of a clock that was set back since, and is over. */
function msLeft({ wait }: { wait?: Wait | null }): number {
  const ms = (wait?.until ?? 0) - Date.now()
  return ms > LONGEST_MS ? 0 : Math.max(0, ms)
}
const due = (what: { wait?: Wait | null }): boolean => msLeft(what) === 0
/** What never failed goes before what did, and what was made first before what was made later. */
const before = (a: Entry, b: Entry): number =>
  (a.wait?.until ?? 0) - (b.wait?.until ?? 0) || a.seq! - b.seq!
const walkOf = (entry: Entry): string => entry.path.split('/').slice(0, 4).join('/')

/**
 * Whether `entry` may go only after `earlier`: order matters within one issue's actions and one
 * walk, and nowhere else.
 */
export function follows(entry: Entry, earlier: Entry): boolean {
  if (earlier.seq! >= entry.seq! || earlier.account !== entry.account) return false
  if (entry.kind === 'patrol' || entry.kind === 'points') {
    return (
      earlier.state === 'waiting' &&
      ['patrol', 'points'].includes(earlier.kind) &&
      walkOf(earlier) === walkOf(entry)
    )
  }
  if (entry.issue === null || earlier.issue !== entry.issue) return false
  // The issue does not exist before its report has arrived, not even when that was refused and may
  // be sent again.
  if (earlier.kind === 'report') return earlier.id === entry.issue && entry.id !== earlier.id
  return entry.kind === 'action' && earlier.kind === 'action' && earlier.state === 'waiting'
}

/** Send all words that may be sent. Whether it was broken off since nobody answers. */
async function sendWords({ account, check }: Owner): Promise<boolean> {
  const tried = new Set<number>()
  let silent = 0
  for (;;) {
    // Read anew each time: somebody may have given one up meanwhile.
    const all = await entries()
    const ready = all.filter(
      (entry) =>
        entry.state === 'waiting' &&
        entry.account === account &&
        !tried.has(entry.seq!) &&
        due(entry) &&
        !all.some((earlier) => follows(entry, earlier)),
    )
    const entry = ready.sort(before)[0]
    if (!entry) return false
    tried.add(entry.seq!)
    await check()
    silent = (await sendEntry(entry)) === 'silent' ? silent + 1 : 0
    if (silent >= SILENT) return true
  }
}

/** Pictures go after the words that name them. Whether it was broken off since nobody answers. */
async function sendAllPictures({ account, check }: Owner): Promise<boolean> {
  // Those of what was refused stay as well: it may be sent again, and nothing else awaits them.
  const held = new Set((await entries()).flatMap((entry) => entry.photos))
  let silent = 0
  for (const photo of await using((db) => db.getAll('photos'))) {
    if (photo.state === 'received' && Date.now() - photo.at > KEEP_RECEIVED_MS)
      await using((db) => db.delete('photos', photo.id))
    if (photo.state !== 'waiting' || photo.account !== account || held.has(photo.id) || !due(photo))
      continue
    await check()
    silent = (await sendPhoto(photo, check)) === 'silent' ? silent + 1 : 0
    if (silent >= SILENT) return true
  }
  return false
}

/** Milliseconds until something may be tried again; null when nothing waits. */
async function nextTry(account: string): Promise<number | null> {
  const own = (what: { account: string; state: string }) =>
    what.account === account && what.state === 'waiting'
  const all = await entries()
  const words = all.filter((entry) => own(entry) && !all.some((earlier) => follows(entry, earlier)))
  const held = new Set(all.flatMap((entry) => entry.photos))
  const pictures = (await waitingPhotos()).filter((photo) => own(photo) && !held.has(photo.id))
  const times = [...words, ...pictures].map(msLeft)
  return times.length ? Math.min(...times) : null
}

/** Whether the refusal is about this request, for good. */
const final = (error: unknown): error is Refusal =>
  error instanceof Refusal && error.status !== 401 && !error.passing
const signedOut = (error: unknown): boolean => error instanceof Refusal && error.status === 401

const is = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** The answer, when it is what the service says to such a request. Somebody else's is none. */
function expected(entry: NewEntry, answer: Answer<unknown>): unknown {
  const { body } = answer
  const fits =
    is(body) &&
    {
      report: () => is(body['report']) && is(body['issue']) && body['report']['id'] === entry.id,
      action: () => typeof body['id'] === 'string' && typeof body['version'] === 'number',
      patrol: () => typeof body['id'] === 'string',
      points: () => 'kept' in body,
      note: () => true,
    }[entry.kind]()
  if (!fits) throw new Unreachable(answer.status)
  return body
}

async function entryState(
  seq: number,
  change: Partial<Entry>,
  from?: Entry['state'],
): Promise<void> {
  await together(['outbox'], async (tx) => {
    // Only what is still there: another window may have sent it, or a person given it up.
    const present = await tx.objectStore('outbox').get(seq)
    if (present && (from === undefined || present.state === from)) await tx.objectStore('outbox').put({ ...present, ...change })
  })
}

async function sendEntry(entry: Entry): Promise<Try> {
  tell({ kind: 'trying', id: entry.id })
  try {
    const body = expected(
      entry,
      await call<unknown>(entry.method, entry.path, entry.body, entry.headers),
    )
    await using((db) => db.delete('outbox', entry.seq!))
    tell({ kind: 'received', id: entry.id, body })
    return 'reached'
  } catch (error) {
    if (
      error instanceof Refusal &&
      error.status === 412 &&
      error.problem.only_added &&
      error.problem.version
    ) {
      // Since it was decided a picture or a comment has arrived, nothing else: that is no reason to
      // ask again.
      return sendEntry({
        ...entry,
        headers: { ...entry.headers, 'if-match': `"${error.problem.version}"` },
      })
    }
    if (!(error instanceof Refusal || error instanceof Unreachable) || signedOut(error)) throw error
    const tries = entry.tries + 1
    await note(
      entryState(
        entry.seq!,
        final(error)
          ? { state: 'refused', problem: error.problem, tries, wait: null }
          : { tries, wait: waitAfter(error, tries) },
      ),
    )
    tell({ kind: 'entry', id: entry.id })
    return error instanceof Unreachable ? 'silent' : 'reached'
  }
}

async function photoState(id: string, change: Partial<KeptPhoto>): Promise<void> {
  await note(
    together(['photos'], async (tx) => {
      const present = await tx.objectStore('photos').get(id)
      if (present) await tx.objectStore('photos').put({ ...present, ...change })
    }),
  )
  tell({ kind: 'photo', id, ...(change.offset === undefined ? {} : { offset: change.offset }) })
}

async function sendPhoto(photo: KeptPhoto, check: Owner['check']): Promise<Try> {
  let arrived = photo.offset
  try {
    await upload(photo, async (offset) => {
      arrived = offset
      if (offset < photo.blob.size) await check()
      await photoState(photo.id, { offset })
    })
    await photoState(photo.id, {
      state: 'received',
      offset: photo.blob.size,
      at: Date.now(),
      wait: null,
    })
    return 'reached'
  } catch (error) {
    if (lost(error)) {
      const problem: Problem = { type: 'about:blank', status: 0, detail: t('photo-gone') }
      await photoState(photo.id, { state: 'refused', problem })
      return 'reached'
    }
    if (!(error instanceof Refusal || error instanceof Unreachable) || signedOut(error)) throw error
    if (final(error))
      await photoState(photo.id, { state: 'refused', problem: error.problem, wait: null })
    else {
      // A picture of which something arrived each time is not made to wait longer and longer.
      const tries = arrived > photo.offset ? 1 : (photo.tries ?? 0) + 1
      await photoState(photo.id, { tries, wait: waitAfter(error, tries) })
    }
    return error instanceof Unreachable ? 'silent' : 'reached'
  }
}

/** The browser still knows of the picture, but its bytes are no longer to be read. */
const lost = (error: unknown): boolean =>
  error instanceof DOMException &&
  (error.name === 'NotReadableError' || error.name === 'NotFoundError')

const typeOf = (photo: KeptPhoto): string => photo.blob.type || 'image/jpeg'

type Moved = (offset: number) => Promise<void>

/**
 * A small picture in one go; a large one in pieces (tus 1.0.0), going on where the last connection
 * ended.
 */
async function upload(photo: KeptPhoto, moved: Moved = async () => {}): Promise<void> {
  if (photo.blob.size > CHUNK) return sendPieces(photo, moved)
  const headers = { 'content-type': typeOf(photo) }
  const bytes = await photo.blob.arrayBuffer()
  const answer = await call<unknown>('PUT', `/v1/photos/${photo.id}`, bytes, headers)
  if (!is(answer.body) || answer.body['id'] !== photo.id) throw new Unreachable(answer.status)
}

async function sendPieces(photo: KeptPhoto, moved: Moved): Promise<void> {
  const tus = { 'tus-resumable': '1.0.0' }
  // The upload has the photograph's id: made once, and found again with what has arrived of it.
  let offset = arrivedOf(
    await call('POST', '/v1/uploads', undefined, {
      ...tus,
      'upload-length': String(photo.blob.size),
      'upload-metadata': `photo ${btoa(photo.id)},filetype ${btoa(typeOf(photo))}`,
    }),
  )
  await moved(offset)
  while (offset < photo.blob.size) {
    const piece = await photo.blob.slice(offset, offset + CHUNK).arrayBuffer()
    const next = arrivedOf(
      await call('PATCH', `/v1/uploads/${photo.id}`, piece, {
        ...tus,
        'upload-offset': String(offset),
        'content-type': 'application/offset+octet-stream',
      }),
    )
    if (next <= offset) throw new Unreachable()
    offset = next
    await moved(offset)
  }
}

/** How much the service says to have. An answer that does not say so is not its own. */
function arrivedOf(answer: Answer<unknown>): number {
  const said = answer.headers.get('upload-offset')
  if (said === null || !/^\d+$/.test(said)) throw new Unreachable(answer.status)
  return Number(said)
}

// The page's side of the outbox: what the screens show of it, and the loop that sends where the
// browser has no background sync.
import { computed, signal } from '@preact/signals'
import { Refusal } from '../api/http'
import type { Issue, ReportAnswer } from '../api/wire'
import {
  enqueue,
  entries,
  flush,
  letWait,
  onStep,
  PhotosGone,
  sendAtOnce,
  sendWordsAtOnce,
  uploadKept,
  waitingPhotos,
  waitNoLonger,
  type NewEntry,
  type Step,
} from './outbox'
import { setFact, type Entry, type KeptPhoto } from './database'
import { draft, loadDraft, pictures, sendLeft } from './draft'
import { dropForm } from './forms'
import { patience } from './patience'
import { openedAnew, store } from './room'
import { me, phase, sessionOver } from './session'
import { sweep } from './sweep'
import { lookUpMine, mine, online, take } from './sync'

export const outbox = signal<Entry[]>([])
export const photos = signal<KeptPhoto[]>([])
export const sending = signal(false)
/** The entry that is under way. */
export const trying = signal<string | null>(null)
/** How many items the browser has cleared away that were not sent yet. */
export const cleared = signal(0)
export const own = computed(() => outbox.value.filter((entry) => entry.account === me.value?.id))
export const others = computed(
  () => outbox.value.filter((entry) => entry.account !== me.value?.id).length,
)
export const refused = computed(() => own.value.filter((entry) => entry.state === 'refused'))
/** Photographs that are in the draft alone, while the words of its report have arrived. */
export const left = computed(() => (draft.value?.arrived ? pictures(draft.value).length : 0))
export const waiting = computed(
  () =>
    own.value.length +
    photos.value.filter((photo) => photo.account === me.value?.id).length +
    left.value,
)

let timer: ReturnType<typeof setTimeout> | undefined
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('gridpatrol')

export async function look(): Promise<void> {
  try {
    const [words, blobs] = [await entries(), await waitingPhotos()]
    outbox.value = words
    photos.value = blobs
  } catch {
    // No store: what is shown stays as it was.
  }
}

async function step(what: Step): Promise<void> {
  if (what.kind === 'trying') trying.value = what.id ?? null
  if (what.kind === 'trying') return
  if (what.kind === 'signed-out') await sessionOver(what.id)
  if (what.kind === 'photo' && what.offset !== undefined) {
    photos.value = photos.value.map((photo) =>
      photo.id === what.id ? { ...photo, offset: what.offset! } : photo,
    )
    if (!photos.value.some((photo) => photo.id === what.id && photo.offset >= photo.blob.size))
      return
  }
  if (what.kind === 'received') await received(what.body)
  await look()
}

/** Show what the server has answered to something that was sent. */
async function received(answer: unknown): Promise<void> {
  const body = answer as Partial<ReportAnswer> & Partial<Issue>
  if (body.issue) {
    await take([body.issue], [])
    mine.value = new Set([...mine.value, body.issue.id])
    void lookUpMine().catch(() => {})
  } else if (body.actions && body.number) await take([body as Issue], [])
}

/**
 * The browser has closed the store: whatever was waiting and is no longer there was cleared, and
 * that is said.
 */
async function lookWhatIsLeft(): Promise<void> {
  const before = [...own.value.map((entry) => entry.id), ...photos.value.map((photo) => photo.id)]
  await look()
  const now = new Set([
    ...own.value.map((entry) => entry.id),
    ...photos.value.map((photo) => photo.id),
  ])
  cleared.value += before.filter((id) => !now.has(id)).length
}

/** Whose the phone is, written down again. */
async function writeAccount(): Promise<void> {
  if (!me.value || phase.value !== 'in') return
  await setFact('account', me.value.id)
  await setFact('me', me.value)
}

export function startSending(): void {
  onStep((what) => {
    void step(what)
    channel?.postMessage(what)
  })
  channel?.addEventListener('message', (event: MessageEvent<Step>) => {
    const what = event.data
    // Sent in another window, it is not to be sent from here once more.
    if (what.kind === 'entry' && what.id === draft.value?.id) draft.value = null
    void step(what)
  })
  openedAnew.subscribe((n) => void (n > 0 && writeAccount().catch(() => {})))
  store.subscribe((state) => void (state === 'closed' && lookWhatIsLeft()))
  addEventListener('online', () => void send('line'))
  document.addEventListener(
    'visibilitychange',
    () => void (document.visibilityState === 'visible' && send('line')),
  )
  void sweep().catch(() => {})
  void look()
    .then(loadDraft)
    .then(() => send('line'))
}

/** What came of something that was to be sent. */
export type Delivery =
  /** It is in the outbox. */
  | { how: 'kept' }
  /** The phone is full, and it went to the server at once, with everything. */
  | { how: 'sent' }
  /** So, but photographs wait in the outbox still. */
  | { how: 'pictures-wait' }
  /** So, but these photographs are in the draft alone. */
  | { how: 'pictures-left'; left: string[] }

/**
 * Put it into the outbox; where the phone has no room, send it at once. Throws when neither can be
 * done, and then nothing has changed.
 */
export async function deliver(entry: NewEntry, key: string): Promise<Delivery> {
  try {
    await enqueue(me.value!.id, entry, key)
    return { how: 'kept' }
  } catch (error) {
    if (error instanceof PhotosGone) throw error
    const left = await sendAtOnce(entry).catch((second: unknown) => {
      throw second instanceof Refusal && !second.passing ? second : error
    })
    if (left.length === 0) {
      await setFact(key, undefined).catch(() => {})
      return { how: 'sent' }
    }
    return letWait(left, key).then(
      () => ({ how: 'pictures-wait' as const }),
      () => ({ how: 'pictures-left' as const, left }),
    )
  }
}

/**
 * The same for what is done as a whole or not at all: its pictures go first, and while one of them
 * does not arrive the words stay in the form, with every picture.
 */
export async function deliverWhole(entry: NewEntry, key: string | null): Promise<'kept' | 'sent'> {
  try {
    await enqueue(me.value!.id, entry, key)
    return 'kept'
  } catch (error) {
    if (error instanceof PhotosGone) throw error
    try {
      for (const id of entry.photos) await uploadKept(id)
      await received(await sendWordsAtOnce(entry))
    } catch (second) {
      throw second instanceof Refusal && !second.passing ? second : error
    }
    if (key) await dropForm(key).catch(() => {})
    return 'sent'
  }
}

let round: Promise<void> | null = null
let wanted = false
let failures = 0

/**
 * Send now what is due; also what waits for the network (`line`), or whatever waits (`anything`).
 * And again later, with patience.
 */
export async function send(now: 'due' | 'line' | 'anything' = 'due'): Promise<void> {
  if (now !== 'due') await waitNoLonger(now).catch(() => {})
  if (round) {
    wanted = true
    return round
  }
  round = sendDue().finally(() => {
    round = null
    if (!wanted) return
    wanted = false
    void send()
  })
  return round
}

async function sendDue(): Promise<void> {
  clearTimeout(timer)
  if (!navigator.onLine) online.value = false
  await look()
  const left = draft.value?.arrived
  if (!left && ![...own.value, ...photos.value].some((what) => what.state === 'waiting')) return
  // Where the browser can send after the page is closed, it is asked to; the loop here does not
  // wait for it.
  void navigator.serviceWorker?.ready
    .then((registration) =>
      (
        registration as unknown as { sync?: { register(tag: string): Promise<void> } }
      ).sync?.register('outbox'),
    )
    .catch(() => {})
  sending.value = true
  const outcome = await flush(me.value?.id ?? null)
  const done = await sendLeft().catch(() => false)
  failures = done ? 0 : failures + 1
  sending.value = false
  trying.value = null
  await look()
  const next = [outcome.again, done ? null : patience(failures)].filter((ms) => ms !== null)
  if (next.length) timer = setTimeout(() => void send(), Math.min(...next))
}

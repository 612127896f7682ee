// The page's side of the outbox: what the screens show of it, and the loop that sends where the browser has no background sync.
import { computed, signal } from '@preact/signals'
import type { Issue, ReportAnswer } from '../api/wire'
import { entries, flush, onStep, waitingPhotos, type Step } from './outbox'
import type { Entry, KeptPhoto } from './database'
import { me, sessionOver } from './session'
import { lookUpMine, mine, online, take } from './sync'

export const outbox = signal<Entry[]>([])
export const photos = signal<KeptPhoto[]>([])
export const sending = signal(false)
export const own = computed(() => outbox.value.filter((entry) => entry.account === me.value?.id))
export const others = computed(() => outbox.value.filter((entry) => entry.account !== me.value?.id).length)
export const refused = computed(() => own.value.filter((entry) => entry.state === 'refused'))
export const waiting = computed(() => own.value.length + photos.value.filter((photo) => photo.account === me.value?.id).length)

let timer: ReturnType<typeof setTimeout> | undefined
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('gridpatrol')

export async function look(): Promise<void> {
  try {
    outbox.value = await entries()
    photos.value = await waitingPhotos()
  } catch {
    // No store: nothing waits.
  }
}

async function step(what: Step): Promise<void> {
  if (what.kind === 'signed-out') await sessionOver()
  if (what.kind === 'photo' && what.offset !== undefined) {
    photos.value = photos.value.map((photo) => (photo.id === what.id ? { ...photo, offset: what.offset! } : photo))
    if (!photos.value.some((photo) => photo.id === what.id && photo.offset >= photo.blob.size)) return
  }
  if (what.kind === 'received') {
    const body = what.body as Partial<ReportAnswer> & Partial<Issue>
    if (body.issue) {
      await take([body.issue], [])
      mine.value = new Set([...mine.value, body.issue.id])
      void lookUpMine().catch(() => {})
    } else if (body.actions && body.number) await take([body as Issue], [])
  }
  await look()
}

export function startSending(): void {
  onStep((what) => {
    void step(what)
    channel?.postMessage(what)
  })
  channel?.addEventListener('message', (event: MessageEvent<Step>) => void step(event.data))
  void look().then(send)
}

/** Send now; and again when it did not succeed, with patience. */
export async function send(): Promise<void> {
  clearTimeout(timer)
  if (!navigator.onLine) online.value = false
  await look()
  if (!own.value.some((entry) => entry.state === 'waiting') && !photos.value.some((photo) => photo.state === 'waiting')) return
  // Where the browser can send after the page is closed, it is asked to; the loop here does not wait for it.
  void navigator.serviceWorker?.ready.then((registration) => (registration as unknown as { sync?: { register(tag: string): Promise<void> } }).sync?.register('outbox')).catch(() => {})
  sending.value = true
  const outcome = await flush()
  sending.value = false
  await look()
  if (outcome.again !== null) timer = setTimeout(() => void send(), outcome.again)
}

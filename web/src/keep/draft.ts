// The report that is being made. Every touch is written down, so a call, a dead battery or a
// browser that is killed costs nothing. It belongs to where and when it was begun, wherever and
// whenever it is sent.
import { computed, signal } from '@preact/signals'
import { letWait, PicturesLeft, sendPictures, type NewEntry } from './outbox'
import type { ReportIn } from '../api/wire'
import { distance, type Spot } from '../parts/geo'
import { clockSkewMs } from './clock'
import { fact, setFact, together, using, type KeptPhoto } from './database'
import { newId, timeOf } from './ids'
import { FRESH_MS, knownAccuracy, type Located } from './locating'
import { openedAnew, written } from './room'
import { me } from './session'

/**
 * `past`: where the phone was some time ago; `cell`: the middle of a cell, for want of anything
 * better.
 */
export type PlacedBy = 'phone' | 'photo' | 'hand' | 'cell' | 'past'
export type Placed = Spot & {
  accuracy_m: number | null
  by: PlacedBy
  at?: number | undefined
  /** The fix that this one is a sharper one of. */
  first?: (Spot & { accuracy_m: number }) | undefined
}

/** What a photograph says of where and when it was taken. */
export interface Offer {
  spot: Spot | null
  at: string | null
}

export interface Draft {
  /** Of the report to be. */
  id: string
  photos: string[]
  /** Taken after it was mended on the spot. */
  after: string | null
  category: string | null
  position: Placed | null
  /** When it was first touched, by the phone's clock; null: it is only looked at. */
  begun_at: number | null
  /** When the photograph was taken, where that is to count. */
  observed_at: string | null
  offer: Offer | null
  note: string
  place: string
  mended: boolean
  same_as: string | null
  /**
   * The words have arrived; what photographs are left are on this phone alone, since it is full.
   */
  arrived: boolean
}

/** Each account on a phone has its own. */
export const draftKey = (): string => `draft:${me.value?.id ?? ''}`
export const draft = signal<Draft | null>(null)
const who = computed(() => me.value?.id)
who.subscribe(() => (draft.value = null))

const blank = (): Draft => ({
  id: newId(),
  photos: [],
  after: null,
  category: null,
  position: null,
  begun_at: null,
  observed_at: null,
  offer: null,
  note: '',
  place: '',
  mended: false,
  same_as: null,
  arrived: false,
})

/** What is on the screen before anything was touched. */
export const BLANK: Draft = blank()
/** Whether there is something to go on with. */
export const begun = computed(
  () =>
    draft.value !== null &&
    (draft.value.photos.length > 0 || draft.value.category !== null || draft.value.note !== ''),
)
export const pictures = (of: Draft): string[] => [
  ...of.photos,
  ...(of.after && (of.mended || of.arrived) ? [of.after] : []),
]

export async function loadDraft(): Promise<void> {
  if (draft.value) return
  const key = draftKey()
  const kept = await fact<Partial<Draft> & { id: string }>(key).catch(() => undefined)
  // Looked for under one account, it is not the next one's.
  if (!kept || key !== draftKey()) return
  // What an earlier version of the client has kept says in its id when that was.
  draft.value ??= { ...blank(), begun_at: timeOf(kept.id), ...kept }
}

export function beginDraft(): Draft {
  draft.value ??= blank()
  return draft.value
}

/** What a touch makes of a draft: from the first one on it belongs to this time and place. */
function touched(what: Partial<Draft>): Draft {
  const present = beginDraft()
  if (present.begun_at !== null) return { ...present, ...what }
  const now = Date.now()
  return { ...present, position: aged(present.position, now), begun_at: now, ...what }
}

const keep = (): void => void written(setFact(draftKey(), draft.value))
// The browser may have cleared the store: what is on the screen is written down anew.
openedAnew.subscribe((n) => void (n > 0 && draft.value && draft.value.begun_at !== null && keep()))

/** Change the draft on the screen at once and on the phone behind it. */
export function change(what: Partial<Draft>): void {
  draft.value = touched(what)
  keep()
}

/**
 * The place that the phone itself gives, before or just after the draft was begun: no touch of
 * anybody.
 */
export function placed(position: Placed): void {
  draft.value = { ...beginDraft(), position }
  if (draft.value.begun_at !== null) keep()
}

/** After the beginning the first fix may come late, or become sharper, for so long. */
export const SETTLE_MS = 120_000

/** A fix that is no longer here is where the phone was. */
function aged(position: Placed | null, now: number): Placed | null {
  if (position?.by !== 'phone' || Math.abs(now - (position.at ?? 0)) <= FRESH_MS) return position
  return { ...position, accuracy_m: null, by: 'past' }
}

const same = (a: Placed, b: Placed | null): boolean =>
  b !== null &&
  a.lat === b.lat &&
  a.lon === b.lon &&
  a.accuracy_m === b.accuracy_m &&
  a.by === b.by &&
  a.at === b.at

/**
 * The place that a draft takes by itself, or null when it keeps the one it has. Until it is begun
 * it follows the phone. From then on the phone may walk away: only a first fix, or a sharper one of
 * the same place, is taken, and only shortly after.
 */
export function placeFor(
  draft: Draft,
  located: Located,
  home: Spot | null,
  now: number,
): Placed | null {
  const { position, begun_at } = draft
  if (draft.arrived || position?.by === 'hand' || position?.by === 'photo') return null
  const here = located.spot && { ...located.spot, by: 'phone' as const }
  // A beginning in the future is of a clock that was set back since: how long ago nobody knows.
  const settling = begun_at === null || Math.abs(now - begun_at) <= SETTLE_MS
  if (here && begun_at !== null && settling && position?.by === 'phone')
    return sharper(here, position)
  if (here && settling) return same(here, position) ? null : here
  if (position) {
    const then = begun_at === null ? aged(position, now)! : position
    return then === position ? null : then
  }
  if (here) return null
  if (located.past) return { ...located.past, accuracy_m: null, by: 'past' }
  return located.trouble && home
    ? { lat: home.lat, lon: home.lon, accuracy_m: null, by: 'cell' }
    : null
}

/**
 * The fix, when it says more exactly where the first one was. Measured from the first: small steps
 * lead nowhere.
 */
function sharper(fix: Placed, than: Placed): Placed | null {
  if (fix.accuracy_m === null || than.accuracy_m === null || fix.accuracy_m >= than.accuracy_m)
    return null
  const first = than.first ?? { lat: than.lat, lon: than.lon, accuracy_m: than.accuracy_m }
  return distance(fix, first) <= first.accuracy_m ? { ...fix, first } : null
}

/** When it was seen, by the server's clock as far as it is known. */
export const seenAt = (of: Draft): Date =>
  of.observed_at ? new Date(of.observed_at) : new Date((of.begun_at ?? Date.now()) + clockSkewMs())

/**
 * Keep a photograph as part of the draft under `key`, in one transaction: no picture is without its
 * draft. Throws when the phone is full.
 */
export async function keepPhoto(
  blob: Blob,
  key: string,
  withIt: (id: string) => unknown,
): Promise<string> {
  const id = newId()
  const photo: KeptPhoto = {
    id,
    account: me.value?.id ?? '',
    blob,
    offset: 0,
    state: 'draft',
    problem: null,
    at: Date.now(),
  }
  await together(['photos', 'facts'], async (tx) => {
    await tx.objectStore('photos').put(photo)
    await tx.objectStore('facts').put(withIt(id), key)
  })
  return id
}

/**
 * Take a photograph into the report. Throws PicturesLeft while the draft holds what is left of one
 * that has arrived: a picture more would belong to no report.
 */
export async function addPhoto(blob: Blob, as: 'before' | 'after'): Promise<void> {
  // The one that was begun before may not be on the screen yet: the picture is for it.
  await loadDraft()
  const key = draftKey()
  if (draft.value?.arrived) throw new PicturesLeft(pictures(draft.value).length)
  const before = as === 'after' ? beginDraft().after : null
  const withIt = (id: string): Draft =>
    touched(as === 'after' ? { after: id } : { photos: [...beginDraft().photos, id] })
  const present = draft.value
  const id = await keepPhoto(blob, key, withIt)
  // It is kept for whom it was taken; on the screen is by now somebody else's.
  if (key !== draftKey()) return
  const changed = draft.value !== present
  draft.value = withIt(id)
  // What was typed while it was written down was written without it.
  if (changed) keep()
  if (before) await dropDraftPhoto(before)
}

export async function dropDraftPhoto(id: string): Promise<void> {
  await using((db) => db.delete('photos', id)).catch(() => {})
}

export async function giveUp(): Promise<void> {
  const present = draft.value
  draft.value = null
  await setFact(draftKey(), undefined).catch(() => {})
  for (const id of [...(present?.photos ?? []), ...(present?.after ? [present.after] : [])])
    await dropDraftPhoto(id)
}

/**
 * The photographs that are left of a report whose words have arrived: into the outbox if there is
 * room by now, else to the server directly. Whether none is left.
 */
export async function sendLeft(): Promise<boolean> {
  const present = draft.value
  if (!present?.arrived) return true
  const all = pictures(present)
  const left = await letWait(all, draftKey()).then(
    () => [] as string[],
    () => sendPictures(all),
  )
  const now = draft.value
  if (now?.id !== present.id) return true
  if (left.length) {
    const photos = now.photos.filter((id) => left.includes(id) || !all.includes(id))
    change({ photos, after: now.after && left.includes(now.after) ? now.after : null })
    return false
  }
  draft.value = null
  await setFact(draftKey(), undefined).catch(() => {})
  return true
}

/**
 * The outbox entry that a finished draft becomes; `enqueue(..., draftKey())` does away with the
 * draft in the same transaction.
 */
export function asEntry(draft: Draft): NewEntry {
  const photos = pictures(draft)
  const { lat, lon, accuracy_m } = draft.position!
  const body: ReportIn = {
    category: draft.category!,
    position: { lat, lon, accuracy_m: knownAccuracy(accuracy_m), datum: 'wgs84' },
    observed_at: seenAt(draft).toISOString(),
    note: draft.note.trim(),
    place: draft.place.trim(),
    photos,
    issue_id: draft.same_as,
    mended_on_the_spot: draft.mended,
    premises: null,
  }
  return {
    id: draft.id,
    kind: 'report',
    method: 'PUT',
    path: `/v1/reports/${draft.id}`,
    body,
    headers: {},
    issue: draft.same_as ?? draft.id,
    name: draft.category!,
    photos,
  }
}

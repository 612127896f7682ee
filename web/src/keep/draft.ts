// The report that is being made. Every touch is written down, so a call, a dead battery or a browser that is killed costs nothing.
import { computed, signal } from '@preact/signals'
import type { NewEntry } from './outbox'
import type { ReportIn } from '../api/wire'
import type { Spot } from '../parts/geo'
import { now } from './clock'
import { database, fact, setFact, type KeptPhoto } from './database'
import { newId } from './ids'
import { me } from './session'

export interface Draft {
  /** Of the report to be. */
  id: string
  photos: string[]
  /** Taken after it was mended on the spot. */
  after: string | null
  category: string | null
  position: (Spot & { accuracy_m: number | null; by: 'phone' | 'photo' | 'hand' | 'cell' }) | null
  /** When the photograph was taken, where that is to count. */
  observed_at: string | null
  note: string
  place: string
  mended: boolean
  same_as: string | null
}

/** Each account on a phone has its own. */
export const draftKey = (): string => `draft:${me.value?.id ?? ''}`
export const draft = signal<Draft | null>(null)
const who = computed(() => me.value?.id)
who.subscribe(() => (draft.value = null))

const blank = (): Draft => ({
  id: newId(), photos: [], after: null, category: null, position: null, observed_at: null, note: '', place: '', mended: false, same_as: null,
})

/** What is on the screen before anything was touched. */
export const BLANK: Draft = blank()
/** Whether there is something to go on with. */
export const begun = computed(() => draft.value !== null && (draft.value.photos.length > 0 || draft.value.category !== null || draft.value.note !== ''))

export async function loadDraft(): Promise<void> {
  draft.value ??= (await fact<Draft>(draftKey()).catch(() => undefined)) ?? null
}

export function beginDraft(): Draft {
  draft.value ??= blank()
  return draft.value
}

/** Change the draft on the screen at once and on the phone behind it. */
export function change(what: Partial<Draft>): void {
  draft.value = { ...beginDraft(), ...what }
  void setFact(draftKey(), draft.value).catch(() => {})
}

/** Keep a photograph as part of the draft; its id. Throws when the phone has no room for it. */
export async function addPhoto(blob: Blob): Promise<string> {
  const id = newId()
  const photo: KeptPhoto = { id, account: me.value?.id ?? '', blob, offset: 0, state: 'draft', problem: null, at: Date.now() }
  await (await database()).put('photos', photo)
  return id
}

export async function dropDraftPhoto(id: string): Promise<void> {
  await (await database()).delete('photos', id).catch(() => {})
}

export async function giveUp(): Promise<void> {
  const present = draft.value
  draft.value = null
  await setFact(draftKey(), undefined).catch(() => {})
  for (const id of [...(present?.photos ?? []), ...(present?.after ? [present.after] : [])]) await dropDraftPhoto(id)
}

/** The outbox entry that a finished draft becomes; `enqueue(..., draftKey())` does away with the draft in the same transaction. */
export function asEntry(draft: Draft): NewEntry {
  const photos = [...draft.photos, ...(draft.mended && draft.after ? [draft.after] : [])]
  const body: ReportIn = {
    category: draft.category!,
    position: { lat: draft.position!.lat, lon: draft.position!.lon, accuracy_m: draft.position!.accuracy_m, datum: 'wgs84' },
    observed_at: draft.observed_at ?? now().toISOString(),
    note: draft.note.trim(), place: draft.place.trim(), photos, issue_id: draft.same_as, mended_on_the_spot: draft.mended, premises: null,
  }
  return {
    id: draft.id, kind: 'report', method: 'PUT', path: `/v1/reports/${draft.id}`, body, headers: {}, issue: draft.same_as ?? draft.id, name: draft.category!, photos,
  }
}

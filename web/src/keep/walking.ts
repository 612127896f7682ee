// A patrol under way. The walk and its track go into the outbox as they are made, so that nothing waits for the end of it.
import { computed, signal } from '@preact/signals'
import { clockSkewMs, now } from './clock'
import { fact, setFact } from './database'
import { newId } from './ids'
import { locate, located } from './locating'
import { enqueue } from './outbox'
import { send } from './sending'
import { me } from './session'

export interface Walk {
  id: string
  started_at: string
  people: number
  points: number
}

interface Point {
  at: string
  lat: number
  lon: number
  accuracy_m: number | null
}

// Each account on a phone has its own.
const key = (): string => `walk:${me.value?.id ?? ''}`
const track = (): string => `track:${me.value?.id ?? ''}`
const EVERY_MS = 15_000
const RECENT_MS = 30_000
/** The time of the fix that was recorded last. */
let recorded = 0
/** The walk whose end is being written down. */
let ending: string | null = null
/** Points are put into the outbox in handfuls. */
const HANDFUL = 8
export const walk = signal<Walk | null>(null)
let stopLocating: (() => void) | null = null
let timer: ReturnType<typeof setInterval> | undefined
let screen: { release(): Promise<void> } | null = null
const who = computed(() => me.value?.id)
who.subscribe(() => halt())

export async function resumeWalk(): Promise<void> {
  walk.value ??= (await fact<Walk>(key()).catch(() => undefined)) ?? null
  if (walk.value && !stopLocating) follow()
}

export async function beginWalk(people: number): Promise<void> {
  const begun: Walk = { id: newId(), started_at: now().toISOString(), people, points: 0 }
  await setFact(key(), begun)
  walk.value = begun
  await put(begun, null)
  follow()
}

export async function endWalk(note: string): Promise<void> {
  const done = walk.value
  if (!done) return
  ending = done.id
  try {
    await flushPoints(done, true)
    await put(done, now().toISOString(), note, key())
    halt()
  } finally {
    // Where it could not be written down the walk goes on, and its end can be told again.
    ending = null
  }
}

/** Stop following; what was walked is kept. */
function halt(): void {
  clearInterval(timer)
  stopLocating?.()
  stopLocating = null
  void screen?.release().catch(() => {})
  screen = null
  walk.value = null
}

/** `over`: the fact of a walk that ends with this, in the same transaction. */
async function put(walk: Walk, ended: string | null, note = '', over: string | null = null): Promise<void> {
  await enqueue(me.value!.id, {
    id: newId(), kind: 'patrol', method: 'PUT', path: `/v1/patrols/${walk.id}`, body: { started_at: walk.started_at, ended_at: ended, people: walk.people, note },
    headers: {}, issue: null, name: 'patrol', photos: [],
  }, over)
  void send()
}

function follow(): void {
  stopLocating = locate()
  // Phones stop a page whose screen goes dark; where the browser allows it stays on.
  void (navigator as { wakeLock?: { request(kind: 'screen'): Promise<{ release(): Promise<void> }> } }).wakeLock?.request('screen').then((lock) => (screen = lock), () => {})
  // A phone that is full keeps no point of the track; the page says that it is, and the next one is tried.
  const next = () => void step().catch(() => {})
  timer = setInterval(next, EVERY_MS)
  next()
}

async function step(): Promise<void> {
  const fix = located.value.spot
  const present = walk.value
  // A fix stands in the track once, at its own time: where the phone was a while ago is not where it walks.
  if (!fix || !present || fix.at === recorded || Date.now() - fix.at > RECENT_MS) return
  // Ended meanwhile, or the phone changed hands: nothing more is written of it.
  const ended = () => walk.value?.id !== present.id || ending === present.id
  const [itsTrack, itsKey] = [track(), key()]
  recorded = fix.at
  const at = Math.max(fix.at + clockSkewMs(), Date.parse(present.started_at))
  const point = { at: new Date(at).toISOString(), lat: fix.lat, lon: fix.lon, accuracy_m: fix.accuracy_m }
  const points = [...((await fact<Point[]>(itsTrack)) ?? []), point]
  if (ended()) return
  await setFact(itsTrack, points)
  if (ended()) return
  walk.value = { ...present, points: present.points + 1 }
  await setFact(itsKey, walk.value)
  if (points.length >= HANDFUL) await flushPoints(present, false)
}

async function flushPoints(walk: Walk, all: boolean): Promise<void> {
  const points = (await fact<Point[]>(track())) ?? []
  if (!points.length || (!all && points.length < HANDFUL)) return
  const id = newId()
  // The outbox and the emptied handful change together.
  await enqueue(me.value!.id, {
    id, kind: 'points', method: 'POST', path: `/v1/patrols/${walk.id}/points`, body: { points, datum: 'wgs84' }, headers: { 'idempotency-key': id }, issue: null, name: 'points', photos: [],
  }, track())
  void send()
}

// The caller's issues on the phone: a first filling, then only what changed (GET /v1/changes), then live (GET /v1/events), with asking
// every half minute where the stream is not let through.
import { computed, signal } from '@preact/signals'
import { get, Refusal, Unreachable } from '../api/http'
import { OPEN } from '../api/lifecycle'
import type { Changes, Feature, Group, Issue, IssuePage } from '../api/wire'
import { online } from './connection'
import { fetchAllKept, fetchKept, read, SHAPE, sweepKept } from './kept'
import { knownFact, noteFact, store as opened } from './storing'
import { me, myCells, myUnits, phase, refresh, sessionOver } from './session'

/** So many issues a phone keeps, the latest; an old one scrolls through them without pain. */
const ROOM = 2_000
const ENDED_DAYS = 14
const POLL_MS = 30_000
const LOOK_UP_MS = 6 * 60 * 60_000

export const issues = signal<ReadonlyMap<string, Issue>>(new Map())
export { online }
/** When the phone last heard everything there is to hear. */
export const heardAt = signal<number | null>(null)
export const groups = signal<Group[]>([])
export const places = signal<Feature[]>([])
/** Ids of what the caller reported himself. */
export const mine = signal<ReadonlySet<string>>(new Set())
/** Counts up whenever something changed: for screens that ask the server themselves. */
export const beat = signal(0)

export const categories = computed(() => new Map(groups.value.flatMap((group) => group.categories).map((category) => [category.code, category])))
export const cells = computed(() => places.value.filter((place) => place.properties.kind === 'cell' && place.geometry))

let source: EventSource | null = null
let timer: ReturnType<typeof setTimeout> | undefined
let cursor: string | null = null
let running = false

// Counts the times that it began: what was asked before the last of them, perhaps for another
// account, is not taken.
let run = 0

/** Show what is kept; then come into step and stay there. */
export async function startSync(): Promise<void> {
  halt()
  run += 1
  const begun = run
  try {
    const db = await opened()
    // Issues that another version kept in another shape are read anew, not shown wrong.
    const same = (await knownFact<number>('issues-shape')) === SHAPE
    if (!same) await db.clear('issues')
    const known = await db.getAll('issues')
    const [from, heard] = [await knownFact<string>('cursor'), await knownFact<number>('heard-at')]
    if (begun !== run) return
    issues.value = new Map(known.map((issue) => [issue.id, issue]))
    cursor = same ? (from ?? null) : null
    heardAt.value = heard ?? null
  } catch {
    // No store: `keep/room.ts` tells.
  }
  void sweepKept()
  const catalogue = await read<{ items: Group[] }>('/v1/categories')
  const known = await read<Feature[]>('/v1/areas')
  const reported = await read<IssuePage>('/v1/issues?mine=true&limit=200')
  if (begun !== run) return
  groups.value = catalogue?.items ?? []
  places.value = known ?? []
  mine.value = new Set(reported?.items.map((issue) => issue.id) ?? [])
  if (phase.value !== 'in') return
  running = true
  void lookUp()
  await comeIntoStep()
  listen()
}

/** Ask no more; what was read stays on the screen. */
function halt(): void {
  running = false
  source?.close()
  source = null
  clearTimeout(timer)
}

export function stopSync(): void {
  halt()
  run += 1
  cursor = null
  issues.value = new Map()
  mine.value = new Set()
  heardAt.value = null
  // Areas come with the names of who answers for them.
  places.value = []
}

let looking = false
let lookedUp: { run: number; at: number } | null = null
/** What changes seldom is looked up when it is not known yet, and again after a while. */
const isOld = (): boolean => lookedUp?.run !== run || Date.now() - lookedUp.at > LOOK_UP_MS

/** What changes seldom: catalogue, cells, what is the caller's own. */
async function lookUp(): Promise<void> {
  const [begun, account] = [run, me.value?.id]
  looking = true
  try {
    groups.value = (await fetchKept<{ items: Group[] }>('/v1/categories')).items
    const found = await fetchAllKept<Feature>('/v1/areas', 'features')
    if (begun !== run) return
    places.value = found
    await lookUpMine()
    lookedUp = { run: begun, at: Date.now() }
  } catch (error) {
    await heard(error, account)
  } finally {
    looking = false
  }
}

export async function lookUpMine(): Promise<void> {
  const begun = run
  const page = await fetchKept<IssuePage>('/v1/issues?mine=true&limit=200')
  if (begun !== run) return
  mine.value = new Set(page.items.map((issue) => issue.id))
  await take(page.items, [])
}

async function heard(error: unknown, account: string | undefined): Promise<void> {
  if (error instanceof Unreachable) online.value = false
  else if (error instanceof Refusal && error.status === 401) await sessionOver(account)
}

let stepping: { run: number; done: Promise<void> } | null = null
/**
 * Everything that changed since the phone last asked. Asked while it is under way, it is the same
 * asking: cursors follow each other.
 */
export function comeIntoStep(): Promise<void> {
  if (stepping?.run === run) return stepping.done
  const begun = run
  const done = step(begun).finally(() => {
    if (stepping?.run === begun) stepping = null
  })
  stepping = { run: begun, done }
  return done
}

async function step(begun: number): Promise<void> {
  if (!running || !me.value) return
  const account = me.value.id
  try {
    let more = true
    const fresh = cursor === null
    while (more) {
      const asked: string = cursor ? `cursor=${encodeURIComponent(cursor)}` : `open=true&most=${ROOM}`
      const answer: Changes = await get<Changes>(`/v1/changes?limit=200&${asked}`)
      if (begun !== run) return
      await take(answer.items, answer.removed, answer.next_cursor)
      more = answer.more
    }
    if (fresh && issues.value.size >= ROOM) await fillOwn()
    // It may have failed without a network, or been so long ago that cells and people have changed.
    if (isOld() && !looking) void lookUp()
    online.value = true
    heardAt.value = Date.now()
    void noteFact('heard-at', heardAt.value).catch(() => {})
  } catch (error) {
    if (begun !== run) return
    if (error instanceof Refusal && error.status === 410) {
      // Too old, or the caller's roles changed: begin anew.
      cursor = null
      await opened().then((db) => db.clear('issues')).catch(() => {})
      issues.value = new Map()
      void refresh()
      return step(begun)
    }
    await heard(error, account)
  }
}

/** In a community too large for the phone: at least all open ones that are the caller's to deal with. */
async function fillOwn(): Promise<void> {
  const begun = run
  const asked = [...myCells.value.map((id) => `cell=${id}`), ...myUnits.value.map((id) => `unit=${id}`)]
  for (const filter of asked) {
    const page = await get<IssuePage>(`/v1/issues?state=open&limit=200&${filter}`)
    if (begun !== run) return
    await take(page.items, [])
  }
}

/** Keep issues and the cursor they came with, in one transaction; then show them. */
export async function take(changed: Issue[], removed: string[], next?: string): Promise<void> {
  const since = Date.now() - ENDED_DAYS * 86_400_000
  const shown = new Map(issues.value)
  const gone = new Set(removed)
  const keep: Issue[] = []
  for (const issue of changed) {
    const known = shown.get(issue.id)
    // An answer that was overtaken by a later one on its way.
    if (known && known.version > issue.version) continue
    const ended = OPEN.includes(issue.state) ? null : (issue.closed_at ?? issue.updated_at)
    if (ended && Date.parse(ended) < since && !mine.value.has(issue.id)) gone.add(issue.id)
    else keep.push(issue)
  }
  for (const id of gone) shown.delete(id)
  for (const issue of keep) shown.set(issue.id, issue)
  // Shown before it is written down: whoever waits for an answer sees it with the answer.
  if (next) cursor = next
  if (keep.length || gone.size) {
    issues.value = shown
    beat.value += 1
  }
  const account = me.value?.id
  try {
    const tx = (await opened()).transaction(['issues', 'facts'], 'readwrite')
    const [store, facts] = [tx.objectStore('issues'), tx.objectStore('facts')]
    // Another window may have given this phone to another account meanwhile.
    if ((await facts.get('account')) === account) {
      await Promise.all([
        ...[...gone].map((id) => store.delete(id)),
        ...keep.map((issue) => store.put(issue)),
        ...(next ? [facts.put(next, 'cursor'), facts.put(SHAPE, 'issues-shape')] : []),
      ])
    }
    await tx.done
  } catch {
    // Full: then the phone shows what it has, and asks again from the old cursor when it starts anew.
  }
}

function listen(): void {
  clearTimeout(timer)
  if (!running) return
  if (typeof EventSource === 'undefined' || !cursor) return poll()
  source?.close()
  source = new EventSource(`/v1/events?cursor=${encodeURIComponent(cursor)}`)
  let heardAnything = false
  const begun = run
  source.onopen = () => {
    heardAnything = true
    online.value = true
  }
  source.addEventListener('changes', (event) => {
    if (begun !== run) return
    const body = JSON.parse((event as MessageEvent<string>).data) as Changes
    void take(body.items, body.removed, body.next_cursor)
    heardAt.value = Date.now()
  })
  source.addEventListener('over', () => {
    source?.close()
    void comeIntoStep().then(listen)
  })
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED || !heardAnything) {
      // Not let through, or the server is away: ask now and then, and try the stream again later.
      source?.close()
      source = null
      poll()
    }
  }
}

function poll(): void {
  clearTimeout(timer)
  timer = setTimeout(() => {
    if (typeof document !== 'undefined' && document.visibilityState === 'hidden') return poll()
    void comeIntoStep().then(() => (online.value && typeof EventSource !== 'undefined' ? listen() : poll()))
  }, POLL_MS)
}

/** The phone woke up, or the network came back. */
export function wake(): void {
  if (!running) return
  void comeIntoStep().then(() => {
    if (!source || source.readyState === EventSource.CLOSED) listen()
  })
}

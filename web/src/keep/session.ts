// Who is signed in. The session itself is a cookie that no script can read; what is kept here is
// who it belongs to.
import { computed, signal } from '@preact/signals'
import { call, get, Refusal } from '../api/http'
import type { Me } from '../api/wire'
import { knownFact, store } from './storing'
import { alone, finishLeaving, LEAVING, noteLeaving, revokeLeft, type Leaving } from './leaving'
import { endPush, PUSH_FOR, pushEndpoint } from './pushing'

/**
 * `over`: the session ended while work of this account waits on the phone; it is kept, and signing
 * in again goes on with it.
 */
export type Phase = 'starting' | 'out' | 'in' | 'over'
export const phase = signal<Phase>('starting')
export const me = signal<Me | null>(null)

/** Why the server ends somebody's access to this phone, as its 401 says. */
const ENDS = ['account-closed', 'session-ended'] as const
export interface Ended {
  why: (typeof ENDS)[number]
  /** How much of theirs was not sent: it is kept, and shown when the same account signs in again. */
  unsent: number
}
/** Access has been ended: told where somebody signs in, until somebody has. */
export const ended = signal<Ended | null>(null)
const ENDED = 'ended'

export const roles = computed(() => new Set(me.value?.roles.map((held) => held.role) ?? []))
export const office = computed(
  () => roles.value.has('staff') || roles.value.has('admin') || roles.value.has('inspector'),
)
export const inviter = computed(
  () => roles.value.has('staff') || roles.value.has('admin') || roles.value.has('leader'),
)
export const myCells = computed(() =>
  (me.value?.roles ?? []).filter((held) => held.role === 'leader').map((held) => held.held_for!.id),
)
export const myUnits = computed(() =>
  (me.value?.roles ?? []).filter((held) => held.role === 'worker').map((held) => held.held_for!.id),
)

/** Answers that are the same for everybody: no account takes them along. */
export const PUBLIC: readonly string[] = ['/v1/categories', '/v1/map/style.json?public=true']
const PATIENCE_MS = 4_000
const RETRY_MS = 30_000

// Counts whoever uses this page: what was asked for one account and comes for the next is not
// taken.
let epoch = 0
let windows: BroadcastChannel | null = null

function tellWindows(): void {
  windows?.postMessage({ account: me.value?.id ?? null })
}

function listenToWindows(): void {
  if (windows || typeof BroadcastChannel === 'undefined') return
  windows = new BroadcastChannel('gridpatrol-account')
  windows.addEventListener('message', (event: MessageEvent<{ account: string | null }>) => {
    const { account } = event.data
    if (phase.value === 'starting' || account === (me.value?.id ?? null)) return
    if (account === null) becomeNobody()
    // Another account has this phone now: begin anew with it.
    else location.reload()
  })
}

function becomeNobody(): void {
  epoch += 1
  me.value = null
  phase.value = 'out'
}

const within = <T>(work: Promise<T>): Promise<T | undefined> =>
  Promise.race([work, new Promise<undefined>((done) => setTimeout(done, PATIENCE_MS))])

/** What this phone knows, at once and without a network; then what the server says. */
export async function startSession(): Promise<void> {
  listenToWindows()
  try {
    if (await knownFact(LEAVING)) {
      // Somebody left and the server does not know yet: the cookie that the browser still has is
      // nobody's to use.
      phase.value = 'out'
      return leaveForGood()
    }
    ended.value = (await knownFact<Ended>(ENDED)) ?? null
    const kept = await knownFact<Me>('me')
    if (kept) {
      const over = (await knownFact<boolean>('signed-out')) === true
      // The service worker may have learned it while no page was open.
      if (over) await wipe({})
      me.value = kept
      phase.value = over ? 'over' : 'in'
    }
  } catch {
    // No store in this browser: `keep/room.ts` tells; reading works without.
  }
  if (phase.value === 'starting') await refresh()
  else void refresh()
}

let timer: ReturnType<typeof setTimeout> | undefined
/** Tell the server who left, now or as soon as it is to be reached. */
export function leaveForGood(): void {
  clearTimeout(timer)
  void finishLeaving().catch(() => {
    timer = setTimeout(leaveForGood, RETRY_MS)
    // Where the browser can do it after the page is closed, it is asked to.
    void navigator.serviceWorker?.ready
      .then((ready) =>
        (ready as unknown as { sync?: { register(tag: string): Promise<void> } }).sync?.register(
          LEAVING,
        ),
      )
      .catch(() => {})
  })
}

/** Ask who the caller is: at the start, and when the server has said that their roles changed. */
export async function refresh(): Promise<void> {
  const asked = epoch
  const account = me.value?.id ?? null
  try {
    const found = await get<Me>('/v1/me')
    if (asked === epoch) await become(found)
  } catch (error) {
    if (asked !== epoch) return
    if (error instanceof Refusal && error.status === 401) await sessionOver(account, error.slug)
    else if (phase.value === 'starting') phase.value = 'out'
  }
}

/**
 * The server knows the session no more. `of`: whose it was, where another account may have come
 * since; `slug`: the problem that `/v1/me` answered, which alone says why.
 */
export async function sessionOver(
  of: string | null | undefined = me.value?.id,
  slug?: string,
): Promise<void> {
  if ((of ?? null) !== (me.value?.id ?? null)) return
  if (!me.value) {
    phase.value = 'out'
    return
  }
  const why = ENDS.find((each) => each === slug)
  if (why) return endAccess(why)
  if (phase.value === 'over') return
  // What was read goes, what they made stays.
  await wipe({ 'signed-out': true }).catch(() => {})
  phase.value = 'over'
  if (slug === undefined) void refresh()
}

/**
 * Somebody has ended this account's access, here or as a whole: the phone may be in other hands.
 * What was read goes; what was not sent is kept, but is no more to be seen until the same account
 * signs in again.
 */
async function endAccess(why: Ended['why']): Promise<void> {
  const account = me.value!.id
  epoch += 1
  const told: Ended = { why, unsent: await unsentOf(account).catch(() => 0) }
  await wipe({
    me: undefined,
    account: undefined,
    'signed-out': undefined,
    [PUSH_FOR]: undefined,
    [ENDED]: told,
  }).catch(() => {})
  becomeNobody()
  ended.value = told
  tellWindows()
  await endPush((await within(pushEndpoint())) ?? null).catch(() => {})
}

async function unsentOf(account: string): Promise<number> {
  const db = await store()
  const [words, pictures] = [await db.getAll('outbox'), await db.getAll('photos')]
  const waits = pictures.filter((photo) => photo.state === 'waiting')
  return [...words, ...waits].filter((each) => each.account === account).length
}

async function become(account: Me): Promise<void> {
  try {
    const [before, known] = [await knownFact<string>('account'), await knownFact<Me>('me')]
    const other = before !== undefined && before !== account.id
    if (other) await endPush(await pushEndpoint())
    // Who holds other roles may read other things.
    const changed =
      known !== undefined && JSON.stringify(known.roles) !== JSON.stringify(account.roles)
    const facts = { account: account.id, me: account, 'signed-out': undefined, [ENDED]: undefined }
    if (other || changed) await wipe(other ? { ...facts, [PUSH_FOR]: undefined } : facts)
    else await put(facts)
  } catch {
    // As above.
  }
  me.value = account
  ended.value = null
  phase.value = 'in'
  tellWindows()
}

/**
 * The former account's session is revoked before the next one's is made, so that it is never the
 * next one's that is revoked.
 */
async function enter(work: () => Promise<Me>): Promise<void> {
  await alone(async () => {
    await revokeLeft()
    const account = await work()
    epoch += 1
    await become(account)
  })
}

export const signIn = (name: string, password: string): Promise<void> =>
  enter(
    async () =>
      (
        await call<{ account: Me }>('POST', '/v1/sessions?cookie=true', {
          account: name,
          password,
          device: deviceName(),
        })
      ).body.account,
  )

/** Set account and password with a link that the leader or the office has made. */
export const resetWith = (code: string, account: string, password: string): Promise<void> =>
  enter(
    async () =>
      (
        await call<{ account: Me }>('POST', '/v1/password-resets?cookie=true', {
          code,
          password,
          ...(account ? { account } : {}),
          device: deviceName(),
        })
      ).body.account,
  )

export const join = (code: string, name: string, key: string): Promise<void> =>
  enter(async () => {
    await call(
      'POST',
      `/v1/invitations/${encodeURIComponent(code)}/accept?cookie=true`,
      { name, device: deviceName() },
      { 'idempotency-key': key },
    )
    return get<Me>('/v1/me')
  })

/**
 * Sign out of this phone, with a network or without: what was read goes, what waits to be sent
 * stays for when the same account signs in again. The server is told as soon as it is to be
 * reached.
 */
export async function signOut(): Promise<void> {
  const account = me.value?.id
  const left: Leaving | null = account
    ? { account, endpoint: (await within(pushEndpoint())) ?? null }
    : null
  epoch += 1
  try {
    await wipe({
      me: undefined,
      account: undefined,
      'signed-out': undefined,
      [PUSH_FOR]: undefined,
      [LEAVING]: left ?? undefined,
    })
  } catch {
    if (left) await noteLeaving(left)
  }
  becomeNobody()
  tellWindows()
  leaveForGood()
}

type Facts = Record<string, unknown>

async function put(facts: Facts): Promise<void> {
  const tx = (await store()).transaction('facts', 'readwrite')
  await Promise.all(
    Object.entries(facts).map(([key, value]) =>
      value === undefined ? tx.store.delete(key) : tx.store.put(value, key),
    ),
  )
  await tx.done
}

/**
 * Do away with everything that was read, and change `facts`: one transaction, so that nobody is
 * left with what was another's.
 */
async function wipe(facts: Facts): Promise<void> {
  const tx = (await store()).transaction(['issues', 'kept', 'facts'], 'readwrite')
  const [kept, known] = [tx.objectStore('kept'), tx.objectStore('facts')]
  await tx.objectStore('issues').clear()
  for (const path of await kept.getAllKeys()) if (!PUBLIC.includes(path)) await kept.delete(path)
  const changes: Facts = { cursor: undefined, 'heard-at': undefined, ...facts }
  for (const [key, value] of Object.entries(changes))
    await (value === undefined ? known.delete(key) : known.put(value, key))
  await tx.done
  // Pictures that the service worker has kept.
  if (typeof caches !== 'undefined') await caches.delete('pictures')
}

/**
 * Begin anew with what the server says; nothing that waits to be sent is touched. For when what was
 * kept cannot be shown.
 */
export const forgetRead = (): Promise<void> => wipe({})

function deviceName(): string {
  const agent = navigator.userAgent
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(agent)?.[0] ?? ''
  const browser = /MicroMessenger|Edg|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? ''
  return `${browser} ${system}`.trim()
}

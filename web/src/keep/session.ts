// Who is signed in. The session itself is a cookie that no script can read; what is kept here is who it belongs to.
import { computed, signal } from '@preact/signals'
import { call, get, Refusal } from '../api/http'
import type { Me } from '../api/wire'
import { database, fact, setFact } from './database'

/** `over`: the session ended while work of this account waits on the phone; it is kept, and signing in again goes on with it. */
export type Phase = 'starting' | 'out' | 'in' | 'over'
export const phase = signal<Phase>('starting')
export const me = signal<Me | null>(null)

export const roles = computed(() => new Set(me.value?.roles.map((held) => held.role) ?? []))
export const office = computed(() => roles.value.has('staff') || roles.value.has('admin') || roles.value.has('inspector'))
export const inviter = computed(() => roles.value.has('staff') || roles.value.has('admin') || roles.value.has('leader'))
export const myCells = computed(() => (me.value?.roles ?? []).filter((held) => held.role === 'leader').map((held) => held.held_for!.id))
export const myUnits = computed(() => (me.value?.roles ?? []).filter((held) => held.role === 'worker').map((held) => held.held_for!.id))

/** What this phone knows, at once and without a network; then what the server says. */
export async function startSession(): Promise<void> {
  try {
    const kept = await fact<Me>('me')
    if (kept) {
      me.value = kept
      phase.value = (await fact<boolean>('signed-out')) ? 'over' : 'in'
    }
  } catch {
    // No store in this browser: `keep/room.ts` tells; reading works without.
  }
  if (phase.value === 'in') void refresh()
  else await refresh()
}

async function refresh(): Promise<void> {
  try {
    const found = await get<Me>('/v1/me')
    await become(found)
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) await sessionOver()
    else if (phase.value === 'starting') phase.value = 'out'
  }
}

export async function sessionOver(): Promise<void> {
  if (!me.value) {
    phase.value = 'out'
    return
  }
  await setFact('signed-out', true).catch(() => {})
  phase.value = 'over'
}

async function become(account: Me): Promise<void> {
  try {
    const before = await fact<string>('account')
    if (before && before !== account.id) await forget()
    await setFact('account', account.id)
    await setFact('me', account)
    await setFact('signed-out', undefined)
  } catch {
    // As above.
  }
  me.value = account
  phase.value = 'in'
}

export async function signIn(name: string, password: string): Promise<void> {
  const answer = await call<{ account: Me }>('POST', '/v1/sessions?cookie=true', { account: name, password, device: deviceName() })
  await become(answer.body.account)
}

export async function join(code: string, name: string, key: string): Promise<void> {
  await call('POST', `/v1/invitations/${encodeURIComponent(code)}/accept?cookie=true`, { name, device: deviceName() }, { 'idempotency-key': key })
  await become(await get<Me>('/v1/me'))
}

/** Sign out: what was read goes; what waits to be sent stays, for when the same account signs in again. */
export async function signOut(): Promise<void> {
  try {
    await call('DELETE', '/v1/sessions')
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error
  }
  await forget()
  await setFact('me', undefined)
  await setFact('account', undefined)
  me.value = null
  phase.value = 'out'
}

async function forget(): Promise<void> {
  const db = await database()
  const tx = db.transaction(['issues', 'kept', 'facts'], 'readwrite')
  await tx.objectStore('issues').clear()
  await tx.objectStore('kept').clear()
  await tx.objectStore('facts').delete('cursor')
  await tx.done
  // Pictures that the service worker has kept.
  if (typeof caches !== 'undefined') await caches.delete('pictures')
}

function deviceName(): string {
  const agent = navigator.userAgent
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(agent)?.[0] ?? ''
  const browser = /MicroMessenger|Edg|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? ''
  return `${browser} ${system}`.trim()
}

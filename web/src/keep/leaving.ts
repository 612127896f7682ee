// What is left to do on the server after somebody signed out of this phone: their session is
// revoked and their push channel closed. It is kept until the server has answered, and done under
// their own session or not at all. Page and service worker share it.
import { call, get, Refusal } from '../api/http'
import type { Channel, Me } from '../api/wire'
import { knownFact, noteFact } from './storing'
import { endPush } from './pushing'

export interface Leaving {
  account: string
  /** Where the browser's push service was to be reached; null where there was no push. */
  endpoint: string | null
}

export const LEAVING = 'leaving'
// Where the browser keeps nothing, at least until the page is closed.
let unkept: Leaving | null = null

export async function noteLeaving(left: Leaving): Promise<void> {
  unkept = left
  await noteFact(LEAVING, left).then(
    () => (unkept = null),
    () => {},
  )
}

export async function stillLeaving(): Promise<Leaving | null> {
  return unkept ?? (await knownFact<Leaving>(LEAVING).catch(() => undefined)) ?? null
}

let last: Promise<unknown> = Promise.resolve()
/** One after the other, in all windows: whoever changes the session must know whose it is. */
export function alone<T>(work: () => Promise<T>): Promise<T> {
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks
  if (locks) return locks.request('gridpatrol-session', work) as Promise<T>
  const turn = last.then(work, work)
  last = turn.catch(() => {})
  return turn
}

/**
 * Revoke what is left. To be called within `alone`. Asks first whose session the browser presents:
 * the cookie of somebody who signed in since must not be revoked, and then that of the former is
 * not on this phone any more. Throws when the server was not reached.
 */
export async function revokeLeft(): Promise<void> {
  const left = await stillLeaving()
  if (!left) return
  await endPush(left.endpoint)
  if ((await whoseSession()) === left.account) {
    if (left.endpoint) await closeChannel(left.endpoint)
    await unlessGone(call('DELETE', '/v1/sessions'))
  }
  unkept = null
  await noteFact(LEAVING, undefined).catch(() => {})
}

export const finishLeaving = (): Promise<void> => alone(revokeLeft)

async function whoseSession(): Promise<string | null> {
  try {
    return (await get<Me>('/v1/me')).id
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return null
    throw error
  }
}

async function closeChannel(endpoint: string): Promise<void> {
  const { items } = await get<{ items: Channel[] }>('/v1/channels')
  for (const channel of items) {
    if (channel.kind === 'push' && channel.address === endpoint)
      await unlessGone(call('DELETE', `/v1/channels/${channel.id}`))
  }
}

/** Gone already is what was wanted. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Refusal) || ![401, 404].includes(error.status)) throw error
  }
}

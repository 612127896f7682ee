// Messages of the browser's push service. A subscription is the browser's, whoever uses it: here
// stands for whom it was made.
import { call, get } from '../api/http'
import { newId } from './ids'
import { knownFact, noteFact } from './storing'

export const PUSH_FOR = 'push-for'
const PATIENCE_MS = 5_000

export const canPush = (): boolean =>
  typeof navigator !== 'undefined' &&
  'serviceWorker' in navigator &&
  typeof PushManager !== 'undefined'

async function subscription(): Promise<PushSubscription | null> {
  if (!canPush()) return null
  const registration = await navigator.serviceWorker.getRegistration()
  return (await registration?.pushManager.getSubscription()) ?? null
}

/** The browser's subscription, whoever made it. */
export const pushEndpoint = async (): Promise<string | null> =>
  (await subscription().catch(() => null))?.endpoint ?? null

/** Whether this account is told by push here. One that another account made is not this one's. */
export async function isPushed(account: string): Promise<boolean> {
  if (!(await pushEndpoint())) return false
  return (await knownFact<string>(PUSH_FOR).catch(() => undefined)) === account
}

export async function beginPush(account: string): Promise<void> {
  // What another account left behind must not be taken over: the server would know it as the
  // other's.
  if (!(await isPushed(account))) await endPush(await pushEndpoint())
  const registration = await navigator.serviceWorker.ready
  const { key } = await get<{ key: string }>('/v1/push-key')
  const made =
    (await registration.pushManager.getSubscription()) ??
    (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }))
  const { endpoint, keys } = made.toJSON()
  await call('PUT', `/v1/channels/${newId()}`, { kind: 'push', address: endpoint, keys })
  await noteFact(PUSH_FOR, account)
}

/**
 * End the browser's subscription, if it is the one at `endpoint` still. Never throws: what fails is
 * tried again.
 */
export async function endPush(endpoint: string | null): Promise<void> {
  if (!endpoint) return
  try {
    const found = await subscription()
    if (found?.endpoint !== endpoint) return
    await Promise.race([found.unsubscribe(), new Promise((done) => setTimeout(done, PATIENCE_MS))])
  } catch {
    // The browser could not; the service worker shows nothing that is for nobody.
  }
}

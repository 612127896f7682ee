// The service worker: the client opens without a network, pictures seen once stay, and what waits is sent after the page is closed.
// Nothing depends on it: without one the client works while it is open. A newer one waits until
// people take it (src/keep/versions.ts).
import { fact } from '../src/keep/database'
import { finishLeaving, LEAVING } from '../src/keep/leaving'
import { flush, onStep, waitNoLonger } from '../src/keep/outbox'
import { PUSH_FOR } from '../src/keep/pushing'

declare const self: ServiceWorkerGlobalScope
// Written by the build: a mark of this version, and the files it is made of.
declare const __VERSION__: string
declare const __FILES__: string[]

const SHELL = `shell-${__VERSION__}`
const PICTURES = 'pictures'
const MOST_PICTURES = 400

/** Whether an answer is what its name says: a script, a sheet of style, the page of this version. */
async function isOwn(name: string, answer: Response): Promise<boolean> {
  if (!answer.ok || answer.redirected) return false
  const type = answer.headers.get('content-type') ?? ''
  if (name === '/') return isShell(answer.clone())
  if (/\.css$/.test(name)) return type.includes('css')
  return !/\.m?js$/.test(name) || type.includes('javascript')
}

/** What stands at an address now. The login page of a network, or a newer client, is not kept. */
async function fetched(name: string): Promise<Response> {
  const answer = await fetch(name, { cache: 'no-cache' })
  if (!(await isOwn(name, answer))) throw new Error(`not this version's: ${name}`)
  return answer
}

async function isShell(answer: Response): Promise<boolean> {
  const found = (await answer.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)
  const wanted = [...found].map(([, file]) => file!)
  return wanted.length > 0 && wanted.every((file) => __FILES__.includes(file))
}

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL)
      // What did not change has the same name: it is taken from the version before.
      await Promise.all(
        ['/', ...__FILES__].map(async (name) => {
          const before = name === '/' ? undefined : await caches.match(name)
          await cache.put(name, before ?? (await fetched(name)))
        }),
      )
    })(),
  )
})

// Taken by people, in one window for all of them.
self.addEventListener('message', (event) => {
  const asked = event.data as { kind?: string } | null
  if (asked?.kind === 'take-over') event.waitUntil(self.skipWaiting())
})

const isShellName = (name: string): boolean => name.startsWith('shell-')

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys()
      // Windows that have not followed yet find the parts of the version before: it stays until the
      // next one comes.
      const before = names.filter((name) => isShellName(name) && name !== SHELL).pop()
      const wanted = [SHELL, PICTURES, before]
      for (const name of names) if (!wanted.includes(name)) await caches.delete(name)
      // At the first time only: then the page is of this version. Later every window has a worker.
      await self.clients.claim()
    })(),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && !url.pathname.startsWith('/v1/') && !url.pathname.startsWith('/problems/')) event.respondWith(shell(event))
  else if (/^\/(assets|icons)\//.test(url.pathname)) event.respondWith(caches.match(request).then((found) => found ?? fetch(request)))
  else if (/^\/v1\/photos\/[^/]+\/(thumb|screen)$/.test(url.pathname)) event.respondWith(picture(event))
})

/** The page as it is kept, at once; looked up anew behind it. */
async function shell(event: FetchEvent): Promise<Response> {
  const kept = await caches.match('/', { cacheName: SHELL })
  return kept ?? fetch(event.request)
}

async function picture(event: FetchEvent): Promise<Response> {
  const cache = await caches.open(PICTURES)
  const kept = await cache.match(event.request)
  if (kept) return kept
  const answer = await fetch(event.request)
  // The login page of a network is no picture, and would stay one.
  if (answer.ok && !answer.redirected && answer.headers.get('content-type')?.startsWith('image/')) {
    const copy = answer.clone()
    event.waitUntil(
      (async () => {
        await cache.put(event.request, copy)
        const names = await cache.keys()
        for (const name of names.slice(0, Math.max(0, names.length - MOST_PICTURES))) await cache.delete(name)
      })().catch(() => {}),
    )
  }
  return answer
}

interface SyncEvent extends ExtendableEvent {
  tag: string
}

self.addEventListener('sync' as 'message', ((event: SyncEvent) => {
  if (event.tag !== 'outbox') return
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('gridpatrol')
  onStep((step) => channel?.postMessage(step))
  event.waitUntil(
    // The browser calls when there is a network: what was not reached before need not wait longer.
    waitNoLonger('line').catch(() => {}).then(() => flush()).then((outcome) => {
      channel?.close()
      // Rejecting has the browser try again later, by its own patience.
      if (outcome.again !== null) throw new Error('not yet')
    }),
  )
}) as unknown as EventListener)

// Who signed out of this phone is signed out on the server as soon as it is to be reached, also
// after the page is closed.
self.addEventListener('sync' as 'message', ((event: SyncEvent) => {
  if (event.tag === LEAVING) event.waitUntil(finishLeaving())
}) as unknown as EventListener)

interface Told {
  title?: string
  text?: string
  issue?: string | null
}

/** Whether a message is for who uses this phone: one for somebody who has left is not shown. */
async function isWanted(): Promise<boolean> {
  try {
    const [account, wanted] = [await fact<string>('account'), await fact<string>(PUSH_FOR)]
    // A subscription of an earlier version does not say for whom it is.
    return account !== undefined && (wanted === undefined || wanted === account)
  } catch {
    return true
  }
}

async function showPushed(told: Told): Promise<void> {
  if (!(await isWanted())) {
    await (await self.registration.pushManager.getSubscription())?.unsubscribe()
    return
  }
  await self.registration.showNotification(told.title ?? 'GridPatrol', {
    body: told.text ?? '', icon: '/icons/icon-192.png', tag: told.issue ?? 'notice',
    data: told.issue ? `/app/issues/${told.issue}` : '/app/notices',
  })
}

self.addEventListener('push', (event) => {
  event.waitUntil(showPushed((event.data?.json() ?? {}) as Told))
})

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const target = String(event.notification.data ?? '/')
  event.waitUntil(
    self.clients.matchAll({ type: 'window' }).then(async (windows) => {
      const open = windows[0]
      if (open) await open.focus().then((window) => window.navigate(target))
      else await self.clients.openWindow(target)
    }),
  )
})

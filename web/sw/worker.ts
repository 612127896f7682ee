// The service worker: the client opens without a network, pictures seen once stay, and what waits is sent after the page is closed.
// Nothing depends on it: without one the client works while it is open.
import { flush, onStep, waitNoLonger } from '../src/keep/outbox'

declare const self: ServiceWorkerGlobalScope
// Written by the build: a mark of this version, and the files it is made of.
declare const __VERSION__: string
declare const __FILES__: string[]

const SHELL = `shell-${__VERSION__}`
const PICTURES = 'pictures'
const MOST_PICTURES = 400

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL)
      // What did not change has the same name: it is taken from the version before.
      await Promise.all(
        ['/', ...__FILES__].map(async (name) => {
          const before = name === '/' ? undefined : await caches.match(name)
          await (before ? cache.put(name, before) : cache.add(name))
        }),
      )
      await self.skipWaiting()
    })(),
  )
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== SHELL && name !== PICTURES) await caches.delete(name)
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
  if (answer.ok) {
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

self.addEventListener('push', (event) => {
  const told = (event.data?.json() ?? {}) as { title?: string; text?: string; issue?: string | null; url?: string }
  event.waitUntil(
    self.registration.showNotification(told.title ?? 'GridPatrol', {
      body: told.text ?? '', icon: '/icons/icon-192.png', tag: told.issue ?? 'notice', data: told.issue ? `/app/issues/${told.issue}` : '/app/notices',
    }),
  )
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

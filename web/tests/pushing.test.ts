// A subscription to push is the browser's: the next account does not take over that of the former.
import 'fake-indexeddb/auto'
import { beforeEach, expect, test, vi } from 'vitest'
import { database, fact, setFact } from '../src/keep/database'
import { beginPush, endPush, isPushed, PUSH_FOR } from '../src/keep/pushing'
import { json, serve } from './answering'

function browser() {
  const made = (endpoint: string) => ({
    endpoint,
    toJSON: () => ({ endpoint, keys: { p256dh: 'p', auth: 'a' } }),
    unsubscribe: async () => {
      present = null
      return true
    },
  })
  let present: ReturnType<typeof made> | null = made('https://push.test/of-the-former')
  const registration = {
    pushManager: {
      getSubscription: async () => present,
      subscribe: async () => (present = made('https://push.test/new')),
    },
  }
  const serviceWorker = {
    getRegistration: async () => registration,
    ready: Promise.resolve(registration),
  }
  vi.stubGlobal('PushManager', class {})
  vi.stubGlobal('navigator', { language: 'en', onLine: true, userAgent: '', serviceWorker })
  return { endpoint: () => present?.endpoint ?? null }
}

beforeEach(async () => {
  await (await database()).clear('facts')
  await setFact(PUSH_FOR, 'one')
})

test('what the former account switched on is off for the next', async () => {
  browser()
  expect([await isPushed('one'), await isPushed('two')]).toEqual([true, false])
})

test('switched on by the next account, it is a subscription of its own', async () => {
  const { endpoint } = browser()
  const channel = { id: '1', kind: 'push', address: 'https://push.test/new', kinds: null, language: 'en', daily: false }
  const { asked } = serve(({ path }) => json(path === '/v1/push-key' ? { key: 'k' } : channel))
  await beginPush('two')
  expect(endpoint()).toBe('https://push.test/new')
  expect(asked.map(({ method }) => method)).toEqual(['GET', 'PUT'])
  expect(await fact(PUSH_FOR)).toBe('two')
})

test('only the subscription that was meant is ended', async () => {
  const { endpoint } = browser()
  await endPush('https://push.test/another')
  expect(endpoint()).toBe('https://push.test/of-the-former')
  await endPush('https://push.test/of-the-former')
  expect(endpoint()).toBeNull()
})

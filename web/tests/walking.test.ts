// A walk and its track: nothing of it is lost, and it ends once.
import { beforeEach, expect, test, vi } from 'vitest'
import { serve } from './server'

let store: typeof import('../src/keep/database')
let outbox: typeof import('../src/keep/outbox')
let walking: typeof import('../src/keep/walking')
let tell: (position: unknown) => void
beforeEach(async () => {
  vi.stubGlobal('addEventListener', () => {})
  vi.stubGlobal('BroadcastChannel', undefined)
  vi.stubGlobal('document', { addEventListener: () => {}, removeEventListener: () => {} })
  const geolocation = {
    watchPosition: (heard: typeof tell) => ((tell = heard), 1),
    clearWatch: () => {},
    getCurrentPosition: () => {},
  }
  vi.stubGlobal('navigator', { language: 'en', onLine: true, geolocation })
  serve(() => {
    throw new TypeError('Failed to fetch')
  })
  store = await import('../src/keep/database')
  outbox = await import('../src/keep/outbox')
  const { me, phase } = await import('../src/keep/session')
  await store.setFact('account', 'me')
  me.value = { id: 'me', roles: [] } as never
  phase.value = 'in'
  walking = await import('../src/keep/walking')
})
const bodies = async () => (await outbox.entries()).map((entry) => entry.body)

test('its end is told again when a full phone could not write it down', async () => {
  await walking.beginWalk(2)
  const full = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  await expect(walking.endWalk('all clean')).rejects.toThrow()
  expect(walking.walk.value).toMatchObject({ people: 2 })
  full.mockRestore()
  await walking.endWalk('all clean')
  expect(walking.walk.value).toBeNull()
  expect(await store.fact('walk:me')).toBeUndefined()
  expect((await bodies()).at(-1)).toMatchObject({ note: 'all clean', people: 2 })
})

test('a point that comes while it is ended does not begin it anew', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  await walking.beginWalk(1)
  const coords = { latitude: 24.67, longitude: 102.9, accuracy: 5 }
  tell({ coords, timestamp: Date.now() })
  vi.advanceTimersByTime(15_000)
  await walking.endWalk('')
  // The store has done everything that was asked of it before.
  for (let n = 0; n < 5; n++) await store.fact('walk:me')
  expect(walking.walk.value).toBeNull()
  expect(await store.fact('walk:me')).toBeUndefined()
})

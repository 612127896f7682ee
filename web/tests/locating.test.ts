import { describe, expect, test, vi } from 'vitest'
import { asFix, FRESH_MS, judge, knownAccuracy } from '../src/keep/locating'

const NOW = Date.UTC(2026, 10, 25, 2)
const told = (timestamp: number, accuracy = 5, latitude = 24.67) => ({
  coords: { latitude, longitude: 102.9, accuracy },
  timestamp,
})

describe('a fix', () => {
  test('of three hours ago is where the phone was, not where it is', () => {
    const fix = asFix(told(NOW - 3 * 3_600_000), NOW)!
    expect(judge(fix, null, NOW)).toEqual({ spot: null, past: fix, trouble: null })
  })

  test('is here for two minutes', () => {
    const fix = asFix(told(NOW), NOW)!
    expect(judge(fix, null, NOW + FRESH_MS).spot).toBe(fix)
    expect(judge(fix, null, NOW + FRESH_MS + 1).spot).toBeNull()
  })

  for (const [name, timestamp] of [
    ['of no time', 0],
    ['of a time to come', NOW + 3_600_000],
    ['of no number', NaN],
  ] as const) {
    test(`${name} is of now`, () => expect(asFix(told(timestamp), NOW)!.at).toBe(NOW))
  }

  test('that is no place is none', () => {
    expect(asFix(told(NOW, 5, NaN), NOW)).toBeNull()
    expect(asFix(told(NOW, 5, 91), NOW)).toBeNull()
  })
})

test('an accuracy is what the service takes, or not said', () => {
  expect([2_500_000, 1e9, Infinity, NaN, -1, undefined, 0, 7.6].map(knownAccuracy)).toEqual([
    1_000_000,
    1_000_000,
    null,
    null,
    null,
    null,
    0,
    8,
  ])
})

describe('a phone that somebody looks at', () => {
  async function looking() {
    vi.useFakeTimers({ now: NOW })
    let tell: (position: unknown) => void = () => {}
    const geolocation = {
      watchPosition: vi.fn((heard) => ((tell = heard), 7)),
      clearWatch: vi.fn(),
      getCurrentPosition: vi.fn(),
    }
    vi.stubGlobal('navigator', { geolocation })
    const listeners: Record<string, () => void> = {}
    vi.stubGlobal('document', {
      visibilityState: 'visible',
      addEventListener: (name: string, then: () => void) => (listeners[name] = then),
      removeEventListener: () => {},
    })
    const { locate, located } = await import('../src/keep/locating')
    return {
      stop: locate(),
      located,
      geolocation,
      tell: (position: unknown) => tell(position),
      awake: () => listeners['visibilitychange']!(),
    }
  }

  test('is not here for ever', async () => {
    const { located, tell, stop } = await looking()
    tell(told(NOW))
    expect(located.value.spot).toMatchObject({ accuracy_m: 5 })
    vi.advanceTimersByTime(FRESH_MS + 20_000)
    expect(located.value).toMatchObject({ spot: null, past: { at: NOW } })
    stop()
  })

  test('is asked again when it tells nothing for a minute', async () => {
    const { geolocation, tell, stop } = await looking()
    tell(told(NOW))
    vi.advanceTimersByTime(80_000)
    expect(geolocation.getCurrentPosition).toHaveBeenCalled()
    stop()
  })

  test('out of a pocket is not where it went in', async () => {
    const { located, geolocation, tell, awake, stop } = await looking()
    tell(told(NOW))
    vi.setSystemTime(NOW + 3_600_000)
    awake()
    expect(located.value.spot).toBeNull()
    expect(geolocation.watchPosition).toHaveBeenCalledTimes(2)
    stop()
  })

  test('looked at again after an hour is not where it was then', async () => {
    const { located, tell, stop } = await looking()
    tell(told(NOW))
    stop()
    vi.setSystemTime(NOW + 3_600_000)
    const { locate } = await import('../src/keep/locating')
    const stopAgain = locate()
    expect(located.value.spot).toBeNull()
    stopAgain()
  })

  test('whose clock was a day ahead is where it tells to be once that is put right', async () => {
    const { located, tell, stop } = await looking()
    vi.setSystemTime(NOW + 86_400_000)
    tell(told(NOW + 86_400_000, 5, 24.5))
    expect(located.value.spot).toMatchObject({ lat: 24.5 })
    vi.setSystemTime(NOW)
    vi.advanceTimersByTime(20_000)
    expect(located.value.spot).toBeNull()
    tell(told(NOW + 20_000))
    expect(located.value.spot).toMatchObject({ lat: 24.67 })
    stop()
  })
})

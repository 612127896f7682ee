// Days are those of the community, in whatever zone the phone is; nothing is a day off, east or
// west.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { firstOfMonth, isDay, monday, plusDays, today } from '../src/parts/dates'
import { ago, day, moment, since, speak } from '../src/words'

declare const process: { env: Record<string, string | undefined> }
const ZONES = ['Asia/Shanghai', 'America/New_York', 'Pacific/Honolulu', 'Pacific/Kiritimati', 'UTC']
// Words are chosen in the browser; there is none here.
beforeEach(() => {
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} })
  vi.stubGlobal('document', { documentElement: {}, addEventListener: () => {} })
})

describe.each(ZONES)('on a phone in %s', (zone) => {
  const before = process.env.TZ
  beforeEach(() => {
    process.env.TZ = zone
    speak('en')
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-01T02:00:00Z') })
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone)
  })
  afterEach(() => {
    process.env.TZ = before
    vi.useRealTimers()
  })

  test('a day of the calendar is written as that day', () => {
    expect([day('2026-11-23'), day('2026-01-01'), day('2026-12-31')]).toEqual([
      '11/23',
      '1/1',
      '12/31',
    ])
  })

  test('today, this week and this month are the community’s', () => {
    // In Shanghai it is the first of November, a Sunday, ten in the morning.
    expect(today('Asia/Shanghai')).toBe('2026-11-01')
    expect(monday(today('Asia/Shanghai'))).toBe('2026-10-26')
    expect([
      firstOfMonth(today('Asia/Shanghai')),
      firstOfMonth(today('Asia/Shanghai'), -1),
    ]).toEqual(['2026-11-01', '2026-10-01'])
    expect(today('America/New_York')).toBe('2026-10-31')
  })

  test('days are counted over the end of summer time, months and years', () => {
    expect([
      plusDays('2026-10-31', 1),
      plusDays('2026-11-01', 1),
      plusDays('2026-03-08', -1),
      plusDays('2026-12-28', 7),
    ]).toEqual(['2026-11-01', '2026-11-02', '2026-03-07', '2027-01-04'])
    expect([firstOfMonth('2026-01-31', -1), firstOfMonth('2026-12-31', 1)]).toEqual([
      '2025-12-01',
      '2027-01-01',
    ])
    expect([monday('2026-11-01'), monday('2026-11-02'), monday('2026-11-08')]).toEqual([
      '2026-10-26',
      '2026-11-02',
      '2026-11-02',
    ])
  })
})

test('an instant is on the day and at the time that it is where the phone is', () => {
  speak('en')
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T00:00:00Z') })
  process.env.TZ = 'Pacific/Honolulu'
  expect([day('2026-11-24T02:00:00Z'), moment('2026-11-24T10:05:00Z')]).toEqual([
    '11/23',
    '11/24, 00:05',
  ])
  vi.useRealTimers()
})

test('what was in another year says so', () => {
  speak('en')
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T00:00:00Z') })
  expect([day('2025-11-20'), day('2026-11-20')]).toEqual(['11/20/2025', '11/20'])
  expect(moment('2025-11-20T12:00:00Z')).toContain('2025')
  vi.useRealTimers()
})

test('how long ago it was, and how long it has been overdue', () => {
  speak('en')
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-20T12:00:00Z') })
  expect([
    ago('2026-11-20T06:00:00Z'),
    since('2026-11-20T06:00:00Z'),
    since('2026-11-18T06:00:00Z'),
    since('2026-11-20T11:59:40Z'),
  ]).toEqual(['6 hours ago', '6 h', '2 d', '0 min'])
  speak('zh-CN')
  expect(since('2026-11-20T06:00:00Z')).toBe('6小时')
  vi.useRealTimers()
})

test('a day that is none is not taken for one', () => {
  expect([
    isDay('2026-11-23'),
    isDay('2026-02-30'),
    isDay('x'),
    isDay(null),
    isDay('2026-11-23T00:00'),
  ]).toEqual([true, false, false, false, false])
})

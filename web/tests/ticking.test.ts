// What the clock alone changes is drawn anew; what is shown is asked for anew though nothing was
// heard.
import { effect } from '@preact/signals'
import { afterEach, expect, test, vi } from 'vitest'
import { isOverdue } from '../src/keep/overdue'
import { pulse } from '../src/keep/pulse'
import { startTicking, stopTicking } from '../src/keep/ticking'

afterEach(() => {
  stopTicking()
  vi.useRealTimers()
})

test('an issue becomes overdue on the screen when its deadline passes', () => {
  vi.useFakeTimers({ now: new Date('2026-11-25T11:59:00Z') })
  startTicking()
  const issue = { state: 'assigned', deadline: '2026-11-25T12:00:00Z' }
  const seen: boolean[] = []
  const stop = effect(() => void seen.push(isOverdue(issue)))
  vi.advanceTimersByTime(90_000)
  stop()
  expect([seen[0], seen.at(-1)]).toEqual([false, true])
})

test('what was handed over or mended is not overdue', () => {
  for (const state of ['handed_over', 'rectified', 'closed', 'rejected'])
    expect(isOverdue({ state, deadline: '2020-01-01T00:00:00Z' })).toBe(false)
})

test('asked every minute where nothing changes, and once in ten seconds of many changes', () => {
  vi.useFakeTimers()
  const ask = vi.fn()
  const clock = pulse(ask, () => true)
  vi.advanceTimersByTime(60_000)
  expect(ask).toHaveBeenCalledTimes(1)
  for (let n = 0; n < 50; n++) clock.stir()
  vi.advanceTimersByTime(10_000)
  expect(ask).toHaveBeenCalledTimes(2)
  clock.stir()
  vi.advanceTimersByTime(9_000)
  expect(ask).toHaveBeenCalledTimes(2)
  vi.advanceTimersByTime(1_000)
  expect(ask).toHaveBeenCalledTimes(3)
  clock.stop()
  vi.advanceTimersByTime(600_000)
  expect(ask).toHaveBeenCalledTimes(3)
})

test('while nobody looks nothing is asked', () => {
  vi.useFakeTimers()
  const ask = vi.fn()
  let seen = false
  const clock = pulse(ask, () => seen)
  vi.advanceTimersByTime(300_000)
  expect(ask).not.toHaveBeenCalled()
  seen = true
  vi.advanceTimersByTime(10_000)
  expect(ask).toHaveBeenCalledTimes(1)
  clock.stop()
})

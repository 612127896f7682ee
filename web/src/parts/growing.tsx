// A list of any length that costs what is seen of it: the rows near the screen are there, the rest is room of their height.
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

const AHEAD_PX = 600
const GAP_PX = 8
/** The window moves by so many rows at once. */
const STEP = 2

interface Props<T> {
  items: readonly T[]
  keyOf: (item: T) => string
  row: (item: T) => ComponentChildren
}

export function Growing<T>({ items, keyOf, row }: Props<T>) {
  const list = useRef<HTMLUListElement>(null)
  const heights = useRef(new Map<string, number>())
  const [[first, last], setRange] = useState<[number, number]>([0, 16])
  const known = heights.current
  // What was not measured yet is taken to be as high as the others.
  const mean = known.size ? [...known.values()].reduce((a, b) => a + b, 0) / known.size : 96
  const high = (index: number): number => (known.get(keyOf(items[index]!)) ?? mean) + GAP_PX

  const look = useRef(() => {})
  look.current = () => {
    if (!list.current) return
    const top = list.current.getBoundingClientRect().top
    let begin = 0
    let y = 0
    while (begin < items.length && y + high(begin) < -top - AHEAD_PX) y += high(begin++)
    let end = begin
    while (end < items.length && y < innerHeight - top + AHEAD_PX) y += high(end++)
    const next: [number, number] = [begin - (begin % STEP), Math.min(items.length, end + STEP - (end % STEP))]
    setRange((now) => (now[0] === next[0] && now[1] === next[1] ? now : next))
  }

  useEffect(() => {
    let waiting = false
    const moved = () => {
      if (waiting) return
      waiting = true
      requestAnimationFrame(() => {
        waiting = false
        look.current()
      })
    }
    const resized = () => {
      known.clear()
      moved()
    }
    // On paper there is no scrolling.
    const all = () => setRange([0, Infinity])
    addEventListener('scroll', moved, { passive: true })
    addEventListener('resize', resized)
    addEventListener('beforeprint', all)
    addEventListener('afterprint', moved)
    return () => {
      removeEventListener('scroll', moved)
      removeEventListener('resize', resized)
      removeEventListener('beforeprint', all)
      removeEventListener('afterprint', moved)
    }
  }, [])

  const from = Math.min(first, items.length)
  const shown = items.slice(from, last)
  useLayoutEffect(() => {
    const rows = list.current?.children ?? []
    shown.forEach((item, n) => {
      const key = keyOf(item)
      if (!known.has(key)) known.set(key, (rows[n] as HTMLElement | undefined)?.offsetHeight ?? mean)
    })
    look.current()
  }, [items, first, last])

  let above = 0
  for (let n = 0; n < from; n++) above += high(n)
  let below = 0
  for (let n = from + shown.length; n < items.length; n++) below += high(n)
  return (
    <ul class="items" ref={list} style={{ paddingTop: `${above}px`, paddingBottom: `${below}px` }}>
      {shown.map((item, n) => <li key={keyOf(item)} aria-setsize={items.length} aria-posinset={from + n + 1}>{row(item)}</li>)}
    </ul>
  )
}

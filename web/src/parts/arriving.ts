// Going from page to page as a browser does it: the focus is on the new page, its title is said, a
// page that is gone back to stands where it was left.
import { useEffect, useRef } from 'preact/hooks'
import { announce } from './announcing'

interface Left {
  y: number
  /** The link that was followed: where the focus returns to. */
  href: string | null
}

const KEPT = 'places-on-pages'
const MOST = 100
const PATIENCE_MS = 4_000
let left = new Map<string, Left>()
let entry = ''
/** Where to stand on the page that comes; null on a new one. */
let back: Left | null = null
let wanted = false
let started = false

const fresh = (): string => Math.random().toString(36).slice(2)
const entryOf = (state: unknown): string | null =>
  (state as { entry?: string } | null)?.entry ?? null

/** Gives the present entry of the history a name, beside whatever else stands in its state. */
function nameEntry(): void {
  const known = entryOf(history.state)
  entry = known ?? fresh()
  if (!known) history.replaceState({ ...(history.state as object | null), entry }, '')
}

function note(change: Partial<Left>): void {
  const before = left.get(entry) ?? { y: 0, href: null }
  left.delete(entry)
  left.set(entry, { ...before, ...change })
  for (const oldest of left.keys()) {
    if (left.size <= MOST) break
    left.delete(oldest)
  }
}

export function startArriving(): void {
  if (started) return
  started = true
  history.scrollRestoration = 'manual'
  try {
    left = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? '[]') as [string, Left][])
  } catch {
    // Nothing is remembered then.
  }
  nameEntry()
  back = left.get(entry) ?? null
  if (back) standAt(back, false)
  addEventListener('scroll', () => note({ y: scrollY }), { passive: true })
  addEventListener(
    'click',
    (event) => {
      const link = (event.target as Element | null)?.closest?.('a[href]')
      if (link) note({ href: link.getAttribute('href') })
    },
    { capture: true },
  )
  let path = location.pathname
  addEventListener('pushState', () => {
    entry = ''
    nameEntry()
    if (location.pathname === path) return
    path = location.pathname
    back = null
    wanted = true
  })
  addEventListener('replaceState', () => {
    // Whoever replaces an entry leaves it without its name.
    if (entryOf(history.state) === null) {
      const present = entry
      history.replaceState({ ...(history.state as object | null), entry: present }, '')
    }
    if (location.pathname === path) return
    path = location.pathname
    back = null
    wanted = true
  })
  addEventListener('popstate', () => {
    nameEntry()
    back = left.get(entry) ?? { y: 0, href: null }
    wanted = location.pathname !== path
    path = location.pathname
    if (!wanted) standAt(back, false)
  })
  addEventListener('pagehide', () => {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([...left]))
    } catch {
      // As above.
    }
  })
}

/**
 * Scroll to where it was, as soon as the page is long enough for that; whoever scrolls meanwhile
 * has their way.
 */
function standAt(place: Left, focus: boolean): void {
  const until = Date.now() + PATIENCE_MS
  const mine = entry
  let over = false
  const end = () => {
    over = true
  }
  for (const kind of ['wheel', 'touchstart', 'keydown', 'pointerdown'])
    addEventListener(kind, end, { passive: true, once: true })
  const step = () => {
    if (over || entry !== mine || Date.now() > until) return
    if (document.documentElement.scrollHeight - innerHeight >= place.y - 1) {
      scrollTo(0, place.y)
      const link =
        focus && place.href
          ? [...document.querySelectorAll<HTMLElement>('main a[href]')].find(
              (found) => found.getAttribute('href') === place.href,
            )
          : null
      if (link) link.focus({ preventScroll: true })
      if (link || !focus || !place.href) return
    }
    setTimeout(step, 50)
  }
  step()
}

let titled = ''
/**
 * For the frame of every page. `passing`: it stands there only until the page itself is loaded. The
 * first page of a visit is read by the browser itself; each that follows has the focus on its
 * heading, and its title is said.
 */
export function useArrival(
  title: string,
  path: string,
  passing: boolean,
): { current: HTMLElement | null } {
  const heading = useRef<HTMLElement>(null)
  useEffect(() => {
    if (passing) return
    const lost =
      titled !== '' && (document.activeElement === null || document.activeElement === document.body)
    if (wanted || lost) {
      heading.current?.focus({ preventScroll: true })
      if (wanted) {
        if (back) standAt(back, true)
        else scrollTo(0, 0)
      }
    }
    wanted = false
  }, [path, passing])
  useEffect(() => {
    document.title = `${title} · GridPatrol`
    if (passing) return
    if (titled !== '' && titled !== title) announce(title)
    titled = title
  }, [title, passing])
  return heading
}

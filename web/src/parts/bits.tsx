// Small pieces that many screens are made of.
import { signal } from '@preact/signals'
import { CircleAlert, Inbox, LoaderCircle, WifiOff } from 'lucide-preact'
import type { ComponentChildren, FunctionComponent } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Problem } from '../api/http'
import { Refusal, Unreachable } from '../api/http'
import type { Issue } from '../api/wire'
import { PhotosGone, PicturesLeft } from '../keep/outbox'
import type { Kept } from '../keep/kept'
import { isOverdue } from '../keep/overdue'
import { isFull } from '../keep/room'
import { phase } from '../keep/session'
import { categories, online, places } from '../keep/sync'
import { language, moment, since, t, word } from '../words'

const TONES: Record<string, string> = {
  reported: 'calm', accepted: 'calm', assigned: 'wait', in_progress: 'wait', handed_over: 'wait', rectified: 'good', closed: 'good', rejected: '', withdrawn: '', merged: '',
}
/** The name of a state; what was closed without being mended has one of its own and is never called closed. */
export const stateName = (state: string, outcome?: string | null): string => word('state', outcome === 'unresolved' ? 'unresolved' : state)
export const StateBadge: FunctionComponent<{ state: string; outcome?: string | null }> = ({ state, outcome }) => (
  <span class={`badge ${outcome === 'unresolved' ? '' : (TONES[state] ?? '')}`}>{stateName(state, outcome)}</span>
)

type Due = Pick<Issue, 'state' | 'deadline' | 'closed_at'>
export const Deadline: FunctionComponent<{ issue: Due }> = ({ issue }) =>
  isOverdue(issue) ? (
    <span class="badge late">{t('overdue-by', { span: since(issue.deadline!) })}</span>
  ) : issue.deadline && !issue.closed_at ? (
    <span class="small quiet">{t('due', { at: moment(issue.deadline) })}</span>
  ) : null

export const categoryName = (code: string): string => categories.value.get(code)?.name[language()] ?? code

/**
 * Nothing of a kind is there. When the session is over that is not known: what was read is gone
 * from the phone.
 */
export const Empty: FunctionComponent<{ children?: ComponentChildren; title: string }> = ({ title, children }) => (
  <div class="empty">
    <Inbox class="icon" aria-hidden="true" />
    <p>{phase.value === 'over' ? t('after-sign-in') : title}</p>
    {phase.value !== 'over' && children}
  </div>
)

/** For a page about an area: the areas are not known yet, or the reader belongs to none. */
export const NoArea: FunctionComponent = () =>
  places.value.length > 0 ? <Empty title={t('no-area')} />
  : online.value ? <Waiting />
  : <ProblemBox problem="unreachable" />

export const Waiting: FunctionComponent = () => (
  <div class="empty" role="status"><LoaderCircle class="icon" aria-hidden="true" /><p>{t('loading')}</p></div>
)

export const ProblemBox: FunctionComponent<{ problem: Problem | 'unreachable' | null }> = ({ problem }) =>
  problem === null ? null : problem === 'unreachable' ? (
    <p class="problem" role="alert"><span><WifiOff class="icon" aria-hidden="true" /> {t('unreachable')}</span></p>
  ) : (
    <div class="problem" role="alert">
      <span><CircleAlert class="icon" aria-hidden="true" /> {problem.detail}</span>
      {problem.errors?.map((error) => <span key={error.pointer}>{fieldName(error.pointer)}{error.message}</span>)}
    </div>
  )

function fieldName(pointer: string): string {
  const name = pointer.split('/')[1] ?? ''
  const told = word('field', name)
  return told ? `${told}${language() === 'zh-CN' ? '：' : ': '}` : ''
}

/** From this age on an answer says how old it is, also while a newer one is on its way. */
const OLD_MS = 5 * 60_000

/** What an answer is worth: nothing yet, old, or refused. `always`: its age is told in any case. */
interface AgeProps {
  kept: Kept<unknown>
  always?: boolean
}
export const Age: FunctionComponent<AgeProps> = ({ kept, always = false }) => {
  const { problem, at, fresh, body } = kept
  const old = at !== null && (always || problem !== null || (!fresh && Date.now() - at > OLD_MS))
  const bare = problem !== 'unreachable' || at === null
  return (
    <>
      {bare && <ProblemBox problem={problem} />}
      {old && body && <p class="small quiet">{t('as-of', { at: moment(new Date(at)) })}</p>}
      {problem === null && body === null && at === null && <Waiting />}
    </>
  )
}

/** What went wrong, in words for the person who reads them. */
export function told(error: unknown): Problem | 'unreachable' {
  if (error instanceof Refusal) return error.problem
  if (error instanceof Unreachable) return 'unreachable'
  if (error instanceof PicturesLeft) return { type: 'about:blank', status: 0, detail: t('pictures-left', { n: error.n }) }
  if (error instanceof PhotosGone) return { type: 'about:blank', status: 0, detail: t('photos-gone', { n: error.ids.length }) }
  return { type: 'about:blank', status: 0, detail: isFull(error) ? t('storage-full') : t('phone-failed') }
}

const said = signal<string | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined
/** Say something shortly, to eyes and to screen readers. */
export function say(text: string): void {
  said.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (said.value = null), 5000)
}
export const Toast: FunctionComponent = () => <div role="status" aria-live="polite">{said.value && <p class="toast">{said.value}</p>}</div>

/** A dialog of the browser's own: keeps the focus, closes with Escape. */
export const Sheet: FunctionComponent<{ title: string; onClose: () => void; children: ComponentChildren }> = ({ title, onClose, children }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  // Where the focus was before, it is again afterwards: a dialog that is taken away with what drew
  // it does not see to that.
  useLayoutEffect(() => {
    const from = document.activeElement
    return () => {
      setTimeout(() => {
        if (document.activeElement && document.activeElement !== document.body) return
        const there = from instanceof HTMLElement && from !== document.body && from.isConnected
        const back = there ? from : document.querySelector<HTMLElement>('h1')
        back?.focus({ preventScroll: true })
      })
    }
  }, [])
  useEffect(() => {
    if (dialog.current && !dialog.current.open) {
      if (dialog.current.showModal) dialog.current.showModal()
      else dialog.current.setAttribute('open', '')
      // In a form that was begun before a notice of that comes first, with a button.
      const field = 'form :is(input:not([type=file]), select, textarea)'
      if (dialog.current.querySelector('form [role=status]'))
        dialog.current.querySelector<HTMLElement>(field)?.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog class="sheet" ref={dialog} aria-label={title} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="inside"><h2>{title}</h2>{children}</div>
    </dialog>
  )
}

// Small pieces that many screens are made of.
import { signal } from '@preact/signals'
import { CircleAlert, Inbox, LoaderCircle, WifiOff } from 'lucide-preact'
import type { ComponentChildren, FunctionComponent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Problem } from '../api/http'
import { Refusal, Unreachable } from '../api/http'
import type { Issue } from '../api/wire'
import { PhotosGone, PicturesLeft } from '../keep/outbox'
import { isFull } from '../keep/room'
import type { Kept } from '../keep/kept'
import { categories } from '../keep/sync'
import { ago, language, moment, t, word } from '../words'

const TONES: Record<string, string> = {
  reported: 'calm', accepted: 'calm', assigned: 'wait', in_progress: 'wait', handed_over: 'wait', rectified: 'good', closed: 'good', rejected: '', withdrawn: '', merged: '',
}
export const StateBadge: FunctionComponent<{ state: string }> = ({ state }) => <span class={`badge ${TONES[state] ?? ''}`}>{word('state', state)}</span>

export const Deadline: FunctionComponent<{ issue: Pick<Issue, 'deadline' | 'overdue' | 'closed_at'> }> = ({ issue }) =>
  issue.overdue ? (
    <span class="badge late">{t('overdue')}{issue.deadline ? ` ${ago(issue.deadline)}` : ''}</span>
  ) : issue.deadline && !issue.closed_at ? (
    <span class="small quiet">{t('due', { at: moment(issue.deadline) })}</span>
  ) : null

export const categoryName = (code: string): string => categories.value.get(code)?.name[language()] ?? code

export const Empty: FunctionComponent<{ children?: ComponentChildren; title: string }> = ({ title, children }) => (
  <div class="empty"><Inbox class="icon" aria-hidden="true" /><p>{title}</p>{children}</div>
)

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

/** What an answer for a screen is worth: nothing yet, old, or refused. */
export const Age: FunctionComponent<{ kept: Kept<unknown> }> = ({ kept }) =>
  kept.problem !== null && kept.problem !== 'unreachable' ? <ProblemBox problem={kept.problem} />
  : kept.problem === 'unreachable' ? (kept.at ? <p class="small quiet">{t('as-of', { at: moment(new Date(kept.at)) })}</p> : <ProblemBox problem="unreachable" />)
  : kept.body === null ? <Waiting /> : null

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
  useEffect(() => {
    if (dialog.current && !dialog.current.open) {
      if (dialog.current.showModal) dialog.current.showModal()
      else dialog.current.setAttribute('open', '')
    }
  }, [])
  return (
    <dialog class="sheet" ref={dialog} aria-label={title} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="inside"><h2>{title}</h2>{children}</div>
    </dialog>
  )
}

// Forms that are sent as one request, and what went wrong with it, in words beside them.
import type { ComponentChildren, FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import type { Problem } from '../api/http'
import { ProblemBox, Sheet, told } from './bits'
import { t } from '../words'

export interface Attempt {
  problem: Problem | 'unreachable' | null
  busy: boolean
  /** Do it; `done` only when it succeeded. */
  attempt: (work: Promise<unknown>, done?: () => void) => Promise<void>
}

export function useAttempt(): Attempt {
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [busy, setBusy] = useState(false)
  const attempt = async (work: Promise<unknown>, done?: () => void) => {
    setBusy(true)
    setProblem(null)
    try {
      await work
      done?.()
    } catch (error) {
      setProblem(told(error))
    } finally {
      setBusy(false)
    }
  }
  return { problem, busy, attempt }
}

interface FormProps {
  /** Sends the form; what it throws is told beside the button. */
  send: (form: FormData) => Promise<unknown>
  onSent: (form: HTMLFormElement) => void
  action: string
  class?: string
  onCancel?: () => void
  children: ComponentChildren
}

export const Form: FunctionComponent<FormProps> = ({ send, onSent, action, class: style = 'card', onCancel, children }) => {
  const { problem, busy, attempt } = useAttempt()
  const submit = (event: Event) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    void attempt(send(new FormData(form)), () => onSent(form))
  }
  const button = <button class="button first" disabled={busy}>{action}</button>
  return (
    <form class={style} onSubmit={submit}>
      {children}
      <ProblemBox problem={problem} />
      {onCancel ? <div class="foot"><button type="button" class="button" onClick={onCancel}>{t('cancel')}</button>{button}</div> : button}
    </form>
  )
}

/** A form in a sheet, which closes when it was sent. */
export const SheetForm: FunctionComponent<{ title: string; action?: string; send: (form: FormData) => Promise<unknown>; onClose: (sent: boolean) => void; children: ComponentChildren }> = ({
  title, action, send, onClose, children,
}) => (
  <Sheet title={title} onClose={() => onClose(false)}>
    <Form class="items" action={action ?? t('save')} send={send} onSent={() => onClose(true)} onCancel={() => onClose(false)}>{children}</Form>
  </Sheet>
)

// Forms that are sent as one request, and what went wrong with it, in words beside them. Each is
// kept on the phone while it is filled in.
import { Camera, RotateCcw, X } from 'lucide-preact'
import { type ComponentChildren, createContext, type FunctionComponent, type JSX } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import type { Problem } from '../api/http'
import { type Fields, type KeptForm, useKeptForm } from '../keep/forms'
import { unkept } from '../keep/room'
import { ProblemBox, Sheet, told } from './bits'
import { Picture } from './picture'
import { ago, t } from '../words'

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

/** What was begun before is on the screen again; and the way to begin anew. */
export const Restored: FunctionComponent<{ kept: KeptForm; onEnd?: () => void }> = ({
  kept,
  onEnd,
}) => (
  <>
    {kept.restored !== null && (
      <p class="row small" role="status">
        <span class="grow">{t('form-restored', { ago: ago(new Date(kept.restored)) })}</span>
        <button type="button" class="button small" onClick={() => void kept.end().then(onEnd)}>
          <RotateCcw class="icon" aria-hidden="true" />
          {t('form-anew')}
        </button>
      </p>
    )}
    <Unkept />
  </>
)

/** What is filled in could not be written down. */
export const Unkept: FunctionComponent = () =>
  unkept.value ? (
    <p class="problem" role="alert">
      {t('form-unkept')}
    </p>
  ) : null

/** What is sent beside the fields. */
export interface Sent {
  /** For what the form makes: the same when it is sent again. */
  id: string
  photos: string[]
}

interface FormProps {
  /** Under which name it is kept while it is filled in; null: not at all (passwords never are). */
  keep: string | null
  /** Sends the form; what it throws is told beside the button. */
  send: (form: FormData, sent: Sent) => Promise<unknown>
  onSent: (form: HTMLFormElement) => void
  action: string
  /**
   * What to call it in the list of begun ones; the words of its button where there is nothing
   * better.
   */
  title?: string
  class?: string
  onCancel?: () => void
  children: ComponentChildren
}

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement
const ticked = (input: Input): input is HTMLInputElement =>
  input.type === 'checkbox' || input.type === 'radio'

/**
 * Fill in what was kept. A field, or what can be chosen in it, may come only after a while: what is
 * left to fill in.
 */
function fill(form: HTMLFormElement, fields: Fields): Fields {
  const missing: Fields = {}
  for (const [name, value] of Object.entries(fields)) {
    const input = form.elements.namedItem(name) as Input | null
    if (!input) {
      missing[name] = value
      continue
    }
    if (ticked(input)) input.checked = value === true
    else input.value = String(value)
    if (!ticked(input) && input.value !== value) missing[name] = value
    else input.dispatchEvent(new Event('input', { bubbles: true }))
  }
  return missing
}

const Kept = createContext<KeptForm | null>(null)

export const Form: FunctionComponent<FormProps> = ({
  keep,
  send,
  onSent,
  action,
  title,
  class: style = 'card',
  onCancel,
  children,
}) => {
  const { problem, busy, attempt } = useAttempt()
  const kept = useKeptForm(keep, title ?? action)
  const form = useRef<HTMLFormElement>(null)
  const missing = useRef<Fields | null>(null)
  const filling = useRef(false)
  useEffect(() => {
    missing.current = null
  }, [keep])
  useEffect(() => {
    if (!kept.ready || !form.current) return
    missing.current ??= kept.restored === null ? {} : kept.fields
    if (!Object.keys(missing.current).length) return
    filling.current = true
    missing.current = fill(form.current, missing.current)
    filling.current = false
  })
  const touched = (event: JSX.TargetedEvent<HTMLFormElement, Event>) => {
    const input = event.target as Input
    if (
      filling.current ||
      keep === null ||
      !input.name ||
      input.type === 'password' ||
      input.type === 'file'
    )
      return
    if (missing.current) delete missing.current[input.name]
    kept.set({ [input.name]: ticked(input) ? input.checked : input.value })
  }
  const empty = () => {
    filling.current = true
    form.current?.reset()
    // Whoever follows a field hears of it.
    for (const input of form.current?.elements ?? [])
      input.dispatchEvent(new Event('input', { bubbles: true }))
    filling.current = false
  }
  const under = useRef(false)
  const submit = (event: Event) => {
    event.preventDefault()
    if (under.current) return
    under.current = true
    const present = event.currentTarget as HTMLFormElement
    void attempt(
      send(new FormData(present), { id: kept.id, photos: kept.photos }).then(kept.end),
      () => onSent(present),
    ).finally(() => (under.current = false))
  }
  const cancel = onCancel && (() => void kept.end().then(onCancel))
  const button = (
    <button class="button first" disabled={busy}>
      {action}
    </button>
  )
  return (
    <form class={style} ref={form} onSubmit={submit} onInput={touched}>
      <Restored kept={kept} onEnd={empty} />
      <Kept.Provider value={kept}>{children}</Kept.Provider>
      <ProblemBox problem={problem} />
      {cancel ? (
        <div class="foot">
          <button type="button" class="button" onClick={cancel}>
            {t('cancel')}
          </button>
          {button}
        </div>
      ) : (
        button
      )}
    </form>
  )
}

interface SheetFormProps {
  title: string
  keep: string
  action?: string
  send: (form: FormData, sent: Sent) => Promise<unknown>
  onClose: (sent: boolean) => void
  children: ComponentChildren
}

/**
 * A form in a sheet, which closes when it was sent. Closed otherwise than by its button it is found
 * again as it was left.
 */
export const SheetForm: FunctionComponent<SheetFormProps> = ({
  title,
  keep,
  action,
  send,
  onClose,
  children,
}) => (
  <Sheet title={title} onClose={() => onClose(false)}>
    <Form
      class="items"
      keep={keep}
      title={title}
      action={action ?? t('save')}
      send={send}
      onSent={() => onClose(true)}
      onCancel={() => onClose(false)}
    >
      {children}
    </Form>
  </Sheet>
)

interface PhotosFieldProps {
  label: string
  kept: KeptForm
  missing?: boolean
  multiple?: boolean
  onProblem: (problem: Problem | 'unreachable' | null) => void
}

/** Photographs that belong to a form. They lie on the phone with it. */
export const PhotosField: FunctionComponent<PhotosFieldProps> = ({
  label,
  kept,
  missing,
  multiple = false,
  onProblem,
}) => {
  const pick = async (event: JSX.TargetedEvent<HTMLInputElement>) => {
    const input = event.currentTarget
    try {
      for (const file of input.files ?? []) await kept.addPhoto(file)
      onProblem(null)
    } catch (error) {
      onProblem(told(error))
    }
    input.value = ''
  }
  const camera = multiple ? { multiple: true } : { capture: 'environment' as const }
  return (
    <div class="field">
      <span>{label}</span>
      <div class="strip">
        {kept.photos.map((id, n) => (
          <div key={id}>
            <Picture id={id} alt={t('photo-n', { n: n + 1 })} here />
            <button
              type="button"
              aria-label={t('remove-photo', { n: n + 1 })}
              onClick={() => void kept.dropPhoto(id)}
            >
              <span>
                <X class="icon" aria-hidden="true" />
              </span>
            </button>
          </div>
        ))}
        <label class="button">
          <Camera class="icon" aria-hidden="true" />
          <span class="hidden">{multiple ? t('choose-photo') : t('take-photo')}</span>
          <input type="file" accept="image/*" {...camera} onChange={pick} />
        </label>
      </div>
      {missing && (
        <span class="wrong" role="alert">
          {t('photo-needed')}
        </span>
      )}
    </div>
  )
}

/** The same within a `Form`. */
export const FormPhotos: FunctionComponent<{ label: string }> = ({ label }) => {
  const kept = useContext(Kept)
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  if (!kept) return null
  return (
    <>
      <PhotosField label={label} kept={kept} multiple onProblem={setProblem} />
      <ProblemBox problem={problem} />
    </>
  )
}

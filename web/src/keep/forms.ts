// Forms that were begun and not sent: each is kept on the phone, for its account, until it is sent
// or given up.
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { fact, setFact, together, using } from './database'
import { keepPhoto } from './draft'
import { newId } from './ids'
import { openedAnew, written } from './room'
import { me } from './session'

export type Fields = Record<string, unknown>
export interface FormDraft {
  /** For what the form makes: sent again after a lost answer it is the same thing. */
  id: string
  fields: Fields
  photos: string[]
  /** When it was last touched. */
  at: number
  /** What to call it, and the screen that it is on. */
  title: string
  href: string
}

export const formKey = (name: string): string => `form:${me.value?.id ?? ''}:${name}`
/** Counts up whenever a form was kept or done away with. */
export const formsBeat = signal(0)

/** Forms of this account that were begun and not sent. */
export async function formDrafts(): Promise<{ key: string; draft: FormDraft }[]> {
  const prefix = formKey('')
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
  const [keys, values] = await using((db) =>
    Promise.all([db.getAllKeys('facts', range), db.getAll('facts', range)]),
  )
  return keys.map((key, n) => ({ key, draft: values[n] as FormDraft }))
}

/** Do away with a form and with the photographs that are in it alone. */
export async function dropForm(key: string): Promise<void> {
  await together(['facts', 'photos'], async (tx) => {
    const kept = (await tx.objectStore('facts').get(key)) as FormDraft | undefined
    for (const id of kept?.photos ?? []) {
      if ((await tx.objectStore('photos').get(id))?.state === 'draft')
        await tx.objectStore('photos').delete(id)
    }
    await tx.objectStore('facts').delete(key)
  })
  formsBeat.value += 1
}

export interface KeptForm {
  /** What was kept has been looked for: before, nothing is to be filled in. */
  ready: boolean
  key: string | null
  id: string
  fields: Fields
  photos: string[]
  /** When it was last touched, where it was found begun. */
  restored: number | null
  set: (fields: Fields) => void
  addPhoto: (blob: Blob) => Promise<void>
  dropPhoto: (id: string) => Promise<void>
  /** It was sent, or given up: begin with an empty one. */
  end: () => Promise<void>
}

type Held = FormDraft & { key: string | null; ready: boolean; restored: number | null }

/**
 * What a form holds once the store has said what was kept of it. That may come after the first keys were
 * pressed: what was filled in since the form opened (it differs from `blank`) stands, and the rest is as it was kept.
 */
export function joined(kept: FormDraft, now: FormDraft, blank: Fields): FormDraft & { restored: number | null } {
  // It is this form's own, written down a moment ago.
  if (kept.id === now.id) return { ...now, restored: null }
  if (!now.at) return { ...kept, restored: kept.at }
  const filled = Object.entries(now.fields).filter(([name, value]) => value !== blank[name])
  return {
    ...kept,
    at: now.at,
    fields: { ...kept.fields, ...Object.fromEntries(filled) },
    photos: [...new Set([...kept.photos, ...now.photos])],
    restored: kept.at,
  }
}

/**
 * A form that is kept as it is filled in, under `name`; null keeps nothing. `title` is what to call
 * it in the list of begun ones; `href` leads back to it, where that is more than its screen.
 */
export function useKeptForm(
  name: string | null,
  title: string,
  blank: Fields = {},
  href: string = location.pathname + location.search,
): KeptForm {
  const key = name === null ? null : formKey(name)
  const empty = (ready: boolean): Held => ({
    id: newId(),
    fields: blank,
    photos: [],
    at: 0,
    title,
    href,
    key,
    ready,
    restored: null,
  })
  const now = useRef<Held>()
  const [, show] = useState(0)
  if (!now.current || now.current.key !== key) now.current = empty(key === null)
  const become = (next: Partial<Held>) => {
    now.current = { ...now.current!, ...next }
    show((n) => n + 1)
  }
  const asKept = (): FormDraft => {
    const { id, fields, photos, at, href } = now.current!
    return { id, fields, photos, at, title, href }
  }
  const write = () => {
    if (key === null) return
    void written(setFact(key, asKept())).then(() => (formsBeat.value += 1))
  }

  useEffect(() => {
    if (key === null) return
    void fact<FormDraft>(key)
      .catch(() => undefined)
      .then((kept) => {
        if (now.current?.key !== key) return
        const begun = now.current.at > 0
        become(kept ? { ...joined(kept, asKept(), blank), ready: true } : { ready: true })
        if (begun && kept) write()
      })
  }, [key])
  // A store that the browser has cleared: what is on the screen is written down anew.
  useEffect(() => openedAnew.subscribe((n) => void (n > 0 && now.current?.at && write())), [key])

  return {
    ready: now.current.ready,
    key,
    id: now.current.id,
    fields: now.current.fields,
    photos: now.current.photos,
    restored: now.current.restored,
    set: (fields) => {
      become({ fields: { ...now.current!.fields, ...fields }, at: Date.now() })
      write()
    },
    addPhoto: async (blob) => {
      const at = Date.now()
      const withIt = (id: string): FormDraft => ({
        ...asKept(),
        at,
        photos: [...now.current!.photos, id],
      })
      const present = now.current
      const id = await keepPhoto(blob, key ?? formKey('nameless'), withIt)
      // Another form, or another account, stands here by now: it is found again with its own.
      if (now.current?.key !== key) return
      const changed = now.current !== present
      become({ at, photos: [...now.current!.photos, id] })
      // What was filled in while it was written down was written without it.
      if (changed) write()
      formsBeat.value += 1
    },
    dropPhoto: async (id) => {
      become({ at: Date.now(), photos: now.current!.photos.filter((other) => other !== id) })
      write()
      await using((db) => db.delete('photos', id)).catch(() => {})
    },
    end: async () => {
      become(empty(true))
      if (key !== null) await dropForm(key).catch(() => {})
    },
  }
}

import { expect, test } from 'vitest'
import { joined, type FormDraft } from '../src/keep/forms'

const BLANK = { title: '', language: 'zh-CN' }
const draft = (id: string, at: number, fields: FormDraft['fields'], photos: string[] = []): FormDraft => ({
  id, at, fields, photos, title: 'x', href: '/app/x',
})

test('what was kept comes back where nothing was filled in yet', () => {
  const kept = draft('old', 5, { title: 'kept', language: 'en' }, ['p'])
  expect(joined(kept, draft('new', 0, BLANK), BLANK)).toEqual({ ...kept, restored: 5 })
})

test('what was typed before the store answered stands, and the rest is as it was kept', () => {
  const kept = draft('old', 5, { title: 'kept', language: 'en', reason: 'kept too' }, ['p'])
  const now = draft('new', 9, { ...BLANK, title: 'typed' }, ['q'])
  expect(joined(kept, now, BLANK)).toEqual({
    ...kept, at: 9, fields: { title: 'typed', language: 'en', reason: 'kept too' }, photos: ['p', 'q'], restored: 5,
  })
})

test('an answer with what this form itself wrote a moment ago takes nothing of what was typed since', () => {
  const now = draft('same', 9, { ...BLANK, title: 'first', reason: 'second' })
  expect(joined(draft('same', 8, { ...BLANK, title: 'first' }), now, BLANK)).toEqual({ ...now, restored: null })
})

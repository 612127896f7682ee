import { deleteDB, openDB } from 'idb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { KeptPhoto, StoreState } from '../src/keep/database'

let store: typeof import('../src/keep/database')
let said: StoreState[]
beforeEach(async () => {
  store = await import('../src/keep/database')
  said = []
  store.onStore((state) => said.push(state))
})

describe('the store', () => {
  test('does not hold up another tab that brings a newer one, and says so', async () => {
    await store.setFact('a', 1)
    const blocked = vi.fn()
    const newer = await openDB('gridpatrol', store.VERSION + 1, { blocked })
    expect(blocked).not.toHaveBeenCalled()
    expect(said).toContain('newer')
    await expect(store.setFact('a', 2)).rejects.toMatchObject({ name: 'VersionError' })
    expect(said.at(-1)).toBe('newer')
    newer.close()
  })

  test('does not hold up its own clearing, and is opened again', async () => {
    await store.setFact('a', 1)
    await deleteDB('gridpatrol')
    expect(said.at(-1)).toBe('closed')
    expect(await store.fact('a')).toBeUndefined()
    expect(said.at(-1)).toBe('open')
  })

  test('is opened again when the browser has closed it', async () => {
    await store.setFact('a', 1)
    ;(await store.database()).close()
    expect(await store.fact('a')).toBe(1)
  })

  test('changes several things together or none', async () => {
    await expect(
      store.together(['facts'], async (tx) => {
        await tx.objectStore('facts').put(1, 'a')
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await store.fact('a')).toBeUndefined()
  })
})

describe('sweeping', () => {
  const HOUR = 3_600_000
  const keep = async (id: string, state: KeptPhoto['state'] = 'draft', at = Date.now() - HOUR) =>
    (await store.database()).put('photos', {
      id,
      account: 'me',
      blob: new Blob(['x']),
      offset: 0,
      state,
      problem: null,
      at,
    })
  const kept = async () => (await (await store.database()).getAllKeys('photos')).sort()

  test('takes away what belongs to no draft and no entry', async () => {
    const { sweep } = await import('../src/keep/sweep')
    const { enqueue } = await import('../src/keep/outbox')
    for (const id of ['in-report', 'after', 'in-form', 'in-entry', 'nowhere']) await keep(id)
    await keep('waiting', 'waiting')
    await keep('refused', 'refused')
    await keep('just-taken', 'draft', Date.now())
    await store.setFact('draft:somebody', { photos: ['in-report'], after: 'after' })
    await store.setFact('form:me:act:i:rectify', { photos: ['in-form'] })
    await enqueue('me', {
      id: 'a',
      kind: 'report',
      method: 'PUT',
      path: '/v1/reports/a',
      body: {},
      headers: {},
      issue: 'a',
      name: 'litter',
      photos: ['in-entry'],
    })
    expect(await sweep()).toBe(1)
    expect(await kept()).toEqual([
      'after',
      'in-entry',
      'in-form',
      'in-report',
      'just-taken',
      'refused',
      'waiting',
    ])
  })

  test('a form that is given up takes its photographs along, none that is being sent', async () => {
    const { dropForm } = await import('../src/keep/forms')
    await keep('in-form')
    await keep('sent', 'waiting')
    await store.setFact('form:me:x', { photos: ['in-form', 'sent'] })
    await dropForm('form:me:x')
    expect(await kept()).toEqual(['sent'])
    expect(await store.fact('form:me:x')).toBeUndefined()
  })
})

import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Draft, Placed } from '../src/keep/draft'
import type { Fix, Located } from '../src/keep/locating'
import { serve, silence } from './server'

const T = Date.UTC(2026, 10, 25, 2)
const MIN = 60_000
const A = { lat: 24.67, lon: 102.9 }
/** Five kilometres and some from A. */
const B = { lat: 24.72, lon: 102.9 }
/** 390 m from A. */
const ON = { lat: 24.6735, lon: 102.9 }

let drafts: typeof import('../src/keep/draft')
let store: typeof import('../src/keep/database')
let session: typeof import('../src/keep/session')
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: T })
  store = await import('../src/keep/database')
  session = await import('../src/keep/session')
  drafts = await import('../src/keep/draft')
  session.me.value = { id: 'me', roles: [] } as never
})

const fix = (spot = A, accuracy_m: number | null = 12, at = Date.now()): Fix => ({
  ...spot,
  accuracy_m,
  at,
})
const at = (
  spot: Fix | null,
  past: Fix | null = null,
  trouble: Located['trouble'] = null,
): Located => ({ spot, past, trouble })
const by = (kind: Placed['by'], spot = A, accuracy_m: number | null = 12): Placed => ({
  ...spot,
  accuracy_m,
  by: kind,
  at: T,
})
const begun = (position: Placed | null, begun_at: number | null = T): Draft => ({
  ...drafts.BLANK,
  position,
  begun_at,
})
const place = (draft: Draft, located: Located, now = Date.now(), home: typeof A | null = null) =>
  drafts.placeFor(draft, located, home, now)
const blob = () => new Blob(['picture'], { type: 'image/jpeg' })

describe('the place of a report', () => {
  test('a second report has its place from a position that did not change since the first', () => {
    const here = at(fix())
    const first = begun(null, null)
    expect(place(first, here)).toMatchObject({ ...A, by: 'phone' })
    expect(place(begun(null, null), here)).toMatchObject({ ...A, by: 'phone' })
  })

  test('begun by a clock that was a day ahead it takes no later place by itself', () => {
    const draft = begun(null, T + 24 * 60 * MIN)
    expect(place(draft, at(fix(B)))).toBeNull()
  })

  test('before it is begun it follows the phone', () => {
    expect(place(begun(by('phone'), null), at(fix(B)))).toMatchObject({ ...B, by: 'phone' })
  })

  test('once begun it stays while the phone walks on, 390 m or a step at a time', () => {
    const draft = begun(by('phone'))
    expect(place(draft, at(fix(ON)), T + 10_000)).toBeNull()
    for (let step = 1; step <= 39; step++) {
      const spot = { ...A, lat: A.lat + step * 0.00009 }
      const moved = place(draft, at(fix(spot, 12 - step / 10)), T + step * 5_000)
      if (moved) draft.position = moved
    }
    expect(Math.abs(draft.position!.lat - A.lat)).toBeLessThan(0.00015)
  })

  test('opened again elsewhere, hours later, it stays', () => {
    expect(place(begun(by('phone')), at(fix(B)), T + 180 * MIN)).toBeNull()
  })

  test('opened again elsewhere at once, it stays', () => {
    expect(place(begun(by('phone')), at(fix(B)), T + 5_000)).toBeNull()
  })

  test('a first fix that comes shortly after the beginning is taken', () => {
    expect(place(begun(null), at(fix()), T + 30_000)).toMatchObject({ ...A, by: 'phone' })
    expect(place(begun(by('cell', B, null)), at(fix()), T + 30_000)).toMatchObject({
      ...A,
      by: 'phone',
    })
  })

  test('one that comes long after it is not: the phone may be elsewhere', () => {
    expect(place(begun(null), at(fix(B)), T + 10 * MIN)).toBeNull()
    expect(place(begun(by('cell', A, null)), at(fix(B)), T + 10 * MIN)).toBeNull()
  })

  test('a sharper fix of the same place is taken, shortly after', () => {
    const vague = begun(by('phone', A, 800))
    expect(place(vague, at(fix(ON, 8)), T + 20_000)).toMatchObject({ ...ON, accuracy_m: 8 })
    expect(place(vague, at(fix(ON, 8)), T + 10 * MIN)).toBeNull()
  })

  test('what a person has set stays', () => {
    for (const kind of ['hand', 'photo'] as const) {
      expect(place(begun(by(kind), null), at(fix(B)))).toBeNull()
      expect(place(begun(by(kind)), at(fix(B)))).toBeNull()
    }
  })

  test('a fix that is old is not called here', () => {
    const old = fix(A, 5, T - 180 * MIN)
    expect(place(begun(null, null), at(null, old))).toEqual({
      ...A,
      accuracy_m: null,
      by: 'past',
      at: old.at,
    })
  })

  test('a screen left open does not go on calling its place here', () => {
    expect(place(begun(by('phone'), null), at(null), T + 180 * MIN)).toMatchObject({
      by: 'past',
      accuracy_m: null,
    })
  })

  test('with no fix and none to come it begins in the middle of the cell', () => {
    expect(place(begun(null, null), at(null), T, A)).toBeNull()
    expect(place(begun(null, null), at(null, null, 'denied'), T, A)).toMatchObject({
      ...A,
      by: 'cell',
    })
  })

  test('a first touch long after the last fix does not call that here', () => {
    drafts.placed(by('phone'))
    vi.setSystemTime(T + 180 * MIN)
    drafts.change({ note: 'x' })
    expect(drafts.draft.value!.position).toMatchObject({ by: 'past' })
  })
})

describe('the time of a report', () => {
  test('is that of its beginning, not of its sending', async () => {
    drafts.placed(by('phone'))
    drafts.change({ category: 'litter' })
    vi.setSystemTime(T + 300 * MIN)
    drafts.change({ note: 'more' })
    const body = drafts.asEntry(drafts.draft.value!).body as { observed_at: string }
    expect(body.observed_at).toBe(new Date(T).toISOString())
  })

  test('is that of the first photograph when it begins with one', async () => {
    await drafts.addPhoto(blob(), 'before')
    vi.setSystemTime(T + 300 * MIN)
    drafts.change({ category: 'litter', position: by('hand') })
    expect((drafts.asEntry(drafts.draft.value!).body as { observed_at: string }).observed_at).toBe(
      new Date(T).toISOString(),
    )
  })

  test('looking at the screen begins nothing', () => {
    drafts.beginDraft()
    drafts.placed(by('phone'))
    vi.setSystemTime(T + 300 * MIN)
    drafts.change({ category: 'litter' })
    expect(drafts.seenAt(drafts.draft.value!).getTime()).toBe(T + 300 * MIN)
  })

  test('what an earlier version has kept was begun when its id was minted', async () => {
    const { newId } = await import('../src/keep/ids')
    await store.setFact(drafts.draftKey(), {
      id: newId(),
      photos: [],
      category: 'litter',
      note: '',
      place: '',
      mended: false,
    })
    vi.setSystemTime(T + 300 * MIN)
    await drafts.loadDraft()
    expect(drafts.seenAt(drafts.draft.value!).getTime()).toBe(T)
  })
})

describe('what is kept of it', () => {
  test('place, time and what the photograph says are there after a reload', async () => {
    await drafts.addPhoto(blob(), 'before')
    drafts.placed(by('phone'))
    drafts.change({ offer: { spot: B, at: new Date(T - 300 * MIN).toISOString() } })
    const { photos } = drafts.draft.value!
    await vi.waitFor(async () =>
      expect(await store.fact(drafts.draftKey())).toMatchObject({ offer: { spot: B } }),
    )
    vi.resetModules()
    const { me } = await import('../src/keep/session')
    const anew = await import('../src/keep/draft')
    me.value = { id: 'me', roles: [] } as never
    await anew.loadDraft()
    expect(anew.draft.value).toMatchObject({
      photos,
      begun_at: T,
      position: { ...A, by: 'phone' },
      offer: { spot: B },
    })
  })

  test('an accuracy that the service does not take is capped or left out', () => {
    for (const [told, kept] of [
      [2_500_000, 1_000_000],
      [NaN, null],
      [-1, null],
      [Infinity, null],
      [12.4, 12],
      [null, null],
    ] as const) {
      const entry = drafts.asEntry({
        ...begun({ ...A, accuracy_m: told, by: 'phone' }),
        category: 'litter',
      })
      expect((entry.body as { position: { accuracy_m: number | null } }).position.accuracy_m).toBe(
        kept,
      )
    }
  })

  test('that it could not be written down is known', async () => {
    const { unkept } = await import('../src/keep/room')
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    drafts.change({ note: 'x' })
    await vi.waitFor(() => expect(unkept.value).toBe(true))
    vi.restoreAllMocks()
    drafts.change({ note: 'xy' })
    await vi.waitFor(() => expect(unkept.value).toBe(false))
  })

  test('a photograph and its draft are kept together or not at all', async () => {
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...given
    ) {
      if (this.name === 'facts') throw new DOMException('full', 'QuotaExceededError')
      return put.apply(this, given)
    })
    await expect(drafts.addPhoto(blob(), 'before')).rejects.toMatchObject({
      name: 'QuotaExceededError',
    })
    expect(await (await store.database()).count('photos')).toBe(0)
    expect(drafts.draft.value?.photos ?? []).toEqual([])
  })
})

describe('photographs left on a full phone', () => {
  async function arrived() {
    await drafts.addPhoto(blob(), 'before')
    drafts.change({ category: 'litter', position: by('hand'), arrived: true })
  }

  test('go into the outbox when there is room again', async () => {
    await arrived()
    const [id] = drafts.draft.value!.photos
    expect(await drafts.sendLeft()).toBe(true)
    expect(await (await store.database()).get('photos', id!)).toMatchObject({ state: 'waiting' })
    expect(drafts.draft.value).toBeNull()
    expect(await store.fact(drafts.draftKey())).toBeUndefined()
  })

  test('are not joined by a picture that belongs to no report', async () => {
    await arrived()
    const { photos } = drafts.draft.value!
    await expect(drafts.addPhoto(blob(), 'before')).rejects.toMatchObject({ n: 1 })
    expect(drafts.draft.value!.photos).toEqual(photos)
    expect(await (await store.database()).count('photos')).toBe(1)
  })

  test('are sent from the draft while there is none, and stay in it until then', async () => {
    await arrived()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError')
    })
    serve(silence)
    expect(await drafts.sendLeft()).toBe(false)
    expect(drafts.draft.value).toMatchObject({ arrived: true, photos: [expect.any(String)] })
    const asked = serve()
    expect(await drafts.sendLeft()).toBe(true)
    expect(asked).toHaveLength(1)
    expect(drafts.draft.value).toBeNull()
  })
})

describe('a photograph that is taken at once', () => {
  test('joins the report that was begun before, though that is not on the screen yet', async () => {
    const kept = { ...drafts.BLANK, id: 'd', photos: ['old'], note: 'begun', begun_at: T }
    await store.setFact('draft:me', kept)
    await drafts.addPhoto(blob(), 'before')
    expect(drafts.draft.value).toMatchObject({ id: 'd', note: 'begun' })
    expect(drafts.draft.value!.photos).toHaveLength(2)
    expect(await store.fact('draft:me')).toEqual(drafts.draft.value)
  })

  test('is not lost by what is typed while it is written down', async () => {
    drafts.beginDraft()
    const taking = drafts.addPhoto(blob(), 'before')
    await Promise.resolve()
    await Promise.resolve()
    drafts.change({ note: 'typed' })
    await taking
    await vi.waitFor(async () => {
      const kept = (await store.fact('draft:me')) as Draft
      expect(kept.photos).toHaveLength(1)
      expect(kept.note).toBe('typed')
    })
  })
})

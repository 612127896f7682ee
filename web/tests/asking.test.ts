// Answers that come out of order, and lists that are asked for twice.
import { expect, test } from 'vitest'
import { paging, type Paged } from '../src/keep/asking'

interface Waiting {
  key: string
  cursor: string | null
  answer: (items: string[], next?: string | null) => void
  fail: () => void
}

function screen() {
  const waiting: Waiting[] = []
  let state: Paged<string> | null = null
  const pages = paging<string>(
    (key, cursor) =>
      new Promise((then, failed) =>
        waiting.push({
          key,
          cursor,
          answer: (items, next = null) => then({ items, next_cursor: next }),
          fail: () => failed(new Error()),
        }),
      ),
    (next) => (state = next),
    () => 'unreachable',
  )
  return {
    pages,
    waiting,
    shown: () => state!,
    settled: () => new Promise((done) => setTimeout(done)),
  }
}

test('a slow answer of an earlier filter does not overwrite that of a later one', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('state=open')
  void pages.ask('state=closed')
  waiting[1]!.answer(['closed'])
  await settled()
  waiting[0]!.answer(['open'])
  await settled()
  expect([shown().key, shown().items]).toEqual(['state=closed', ['closed']])
})

test('nor does its failure', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('a')
  void pages.ask('b')
  waiting[1]!.answer(['b'])
  waiting[0]!.fail()
  await settled()
  expect(shown()).toMatchObject({ key: 'b', items: ['b'], problem: null })
})

test('a further page of an earlier filter is not added to a later one', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('a')
  waiting[0]!.answer(['a1'], 'more')
  await settled()
  void pages.more()
  void pages.ask('b')
  waiting[2]!.answer(['b1'])
  await settled()
  waiting[1]!.answer(['a2'])
  await settled()
  expect(shown().items).toEqual(['b1'])
})

test('the next page asked for twice comes once', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('a')
  waiting[0]!.answer(['1'], 'more')
  await settled()
  void pages.more()
  void pages.more()
  expect(waiting).toHaveLength(2)
  waiting[1]!.answer(['2'])
  await settled()
  expect(shown().items).toEqual(['1', '2'])
})

test('asked again, what is shown stays until the answer comes, also when none does', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('a')
  waiting[0]!.answer(['1'])
  await settled()
  void pages.ask('a')
  expect(shown().items).toEqual(['1'])
  waiting[1]!.fail()
  await settled()
  expect(shown()).toMatchObject({ items: ['1'], problem: 'unreachable', busy: false })
})

test('after the screen is left nothing is shown', async () => {
  const { pages, waiting, shown, settled } = screen()
  void pages.ask('a')
  pages.stop()
  waiting[0]!.answer(['1'])
  await settled()
  expect(shown().items).toBeNull()
})

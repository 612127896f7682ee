// Whether an answer can be the service's own. A network that lets nobody through before they sign in
// answers everything with 200, some with JSON: that is no answer to what was asked.
import { SHAPES } from './shapes'

/** Of these the description does not tell what stands in them. */
const UNTOLD: Record<string, readonly string[]> = {
  'GET /v1/me/quiet-hours': ['starts', 'ends'],
}
/** Answered with null where nothing of it was ever set. */
const OR_NULL = 'GET /v1/me/quiet-hours'

const DYNAMIC = /\{[^}]+\}/g
const known = Object.entries({ ...UNTOLD, ...SHAPES }).map(([asked, names]) => ({
  fits: new RegExp(`^${asked.replace(/[.]/g, '\\.').replace(DYNAMIC, '[^/]+')}$`),
  exact: !asked.includes('{'),
  names,
}))
// A name that is written out goes before one that stands for any.
known.sort((a, b) => Number(b.exact) - Number(a.exact))

/** In a list every page reads these; of other names another version may have more or fewer. */
const LISTS = ['items', 'features', 'removed']

/**
 * `asked`: method and address; `body`: undefined where there was none. Half of the names are
 * enough: the service may be a little older or newer than this client.
 */
export function isAnswerTo(asked: string, body: unknown): boolean {
  if (body === null && asked === OR_NULL) return true
  const found = known.find(({ fits }) => fits.test(asked.split('?')[0]!))
  if (!found) return true
  const { names } = found
  if (names === null) return body === undefined
  if (typeof body !== 'object' || body === null) return false
  const present = names.filter((name) => name in body)
  const lists = LISTS.filter((name) => names.includes(name))
  return (
    present.length * 2 >= names.length &&
    lists.every((name) => Array.isArray((body as Record<string, unknown>)[name]))
  )
}

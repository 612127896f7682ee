import { me } from '../keep/session'
import { cells, places } from '../keep/sync'

/** The area that somebody serves: his role's own, or the one around his cell; null when there is none. */
export function homeArea(): string | null {
  for (const held of me.value?.roles ?? []) {
    if (held.held_for?.kind === 'area') return held.held_for.id
    if (held.held_for?.kind === 'cell') {
      const cell = cells.value.find((cell) => cell.id === held.held_for!.id)
      if (cell?.properties.parent) return cell.properties.parent
    }
  }
  // An admin, who holds no area, begins at the top.
  return me.value?.roles.some((held) => held.role === 'admin') ? (places.value.find((place) => place.properties.kind === 'area' && !place.properties.parent)?.id ?? null) : null
}

/** The time zone of an area or cell: its own, or that of what it lies in; null when this phone does not know it. */
export function zoneOf(id: string | null): string | null {
  for (let at = id, steps = 0; at && steps < 10; steps++) {
    const place = places.value.find((place) => place.id === at)
    if (place?.properties.time_zone) return place.properties.time_zone
    at = place?.properties.parent ?? null
  }
  return null
}

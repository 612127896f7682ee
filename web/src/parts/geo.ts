// Places on the ground, near each other: metres, and which cell.
import type { Feature } from '../api/wire'

export interface Spot {
  lat: number
  lon: number
}

const EARTH_M = 6_371_008.8
const rad = Math.PI / 180

/** Metres between two places (haversine). */
export function distance(a: Spot, b: Spot): number {
  const h = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(h))
}

type Ring = [number, number][]

function inRing({ lat, lon }: Spot, ring: Ring): boolean {
  let inside = false
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [x1, y1] = ring[i]!
    const [x2, y2] = ring[j]!
    if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside
  }
  return inside
}

export function polygons(place: Feature): Ring[][] {
  const geometry = place.geometry as { type: string; coordinates: unknown } | null
  if (!geometry) return []
  return (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates) as Ring[][]
}

/** The cell at a place, as the phone knows its cells; the server decides when the report arrives. */
export function cellAt(spot: Spot, cells: readonly Feature[]): Feature | null {
  return cells.find((cell) => polygons(cell).some(([outer, ...holes]) => outer && inRing(spot, outer) && !holes.some((hole) => inRing(spot, hole)))) ?? null
}

/** The middle of the box around a cell. */
export function middle(cell: Feature): Spot {
  const all = polygons(cell).flat(2)
  const lons = all.map(([lon]) => lon)
  const lats = all.map(([, lat]) => lat)
  return { lat: (Math.min(...lats) + Math.max(...lats)) / 2, lon: (Math.min(...lons) + Math.max(...lons)) / 2 }
}

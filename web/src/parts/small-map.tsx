// A small map without any map library: cells, what is open nearby, and the pin in the middle, under which the map is dragged. It opens at
// once on an old phone and without a network. Where the office has set a base map of tiles in WGS 84 or GCJ-02, it lies beneath.
import { Minus, Plus } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Feature } from '../api/wire'
import { useKept } from '../keep/kept'
import { t } from '../words'
import { polygons, type Spot } from './geo'
import { shifted } from './datum'

interface Style {
  sources: { basemap?: { tiles: string[]; attribution?: string } }
  metadata: { 'gridpatrol:datum'?: string }
}
const STYLE = '/v1/map/style.json?public=true'

/** Web Mercator in pixels at a zoom, tiles of 256. */
function project(spot: Spot, zoom: number): [number, number] {
  const size = 256 * 2 ** zoom
  const sin = Math.sin((spot.lat * Math.PI) / 180)
  return [((spot.lon + 180) / 360) * size, (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * size]
}

function unproject(x: number, y: number, zoom: number): Spot {
  const size = 256 * 2 ** zoom
  return { lat: (Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / size))) * 180) / Math.PI, lon: (x / size) * 360 - 180 }
}

interface Props {
  at: Spot
  accuracyM?: number | null | undefined
  cells: readonly Feature[]
  /** Places of other open issues, drawn as dots. */
  dots?: readonly Spot[]
  /** Called with where the pin stands after a drag; without it the map is only looked at. */
  onMove?: ((spot: Spot) => void) | undefined
  label: string
}

export const SmallMap: FunctionComponent<Props> = ({ at, accuracyM, cells, dots = [], onMove, label }) => {
  const [zoom, setZoom] = useState(17)
  const [drag, setDrag] = useState<[number, number]>([0, 0])
  const from = useRef<{ x: number; y: number } | null>(null)
  const host = useRef<HTMLDivElement>(null)
  const [[W, H], setSize] = useState<[number, number]>([328, 152])
  const style = useKept<Style>(STYLE).body
  useEffect(() => {
    const measure = () => host.current && setSize([host.current.clientWidth, host.current.clientHeight])
    measure()
    if (typeof ResizeObserver === 'undefined' || !host.current) return
    const watch = new ResizeObserver(measure)
    watch.observe(host.current)
    return () => watch.disconnect()
  }, [])

  const template = style?.sources.basemap?.tiles[0]
  const datum = style?.metadata['gridpatrol:datum'] ?? 'wgs84'
  const [cx, cy] = project(at, zoom)
  const left = cx - W / 2 - drag[0]
  const top = cy - H / 2 - drag[1]
  const metresPerPixel = (156_543.034 * Math.cos((at.lat * Math.PI) / 180)) / 2 ** zoom

  const shapes = useMemo(
    () => cells.map((cell) => ({
      id: cell.id, name: cell.properties.name,
      path: polygons(cell).map((rings) => rings.map((ring) => `M${ring.map(([lon, lat]) => project({ lat, lon }, zoom).map((v, i) => (v - (i ? cy : cx)).toFixed(1)).join(' ')).join('L')}Z`).join('')).join(''),
    })),
    [cells, zoom, Math.round(cx / 512), Math.round(cy / 512)],
  )
  // Paths are relative to where the map stood when they were made; the group moves them to where it stands now.
  const origin = useMemo(() => [cx, cy] as const, [cells, zoom, Math.round(cx / 512), Math.round(cy / 512)])

  const tiles = useMemo(() => {
    if (!template || datum === 'bd09') return []
    const [sx, sy] = project(datum === 'gcj02' ? shifted(at) : at, zoom)
    const dx = sx - cx
    const dy = sy - cy
    const found: { href: string; x: number; y: number }[] = []
    for (let tx = Math.floor((left + dx) / 256); tx * 256 < left + dx + W; tx++) {
      for (let ty = Math.floor((top + dy) / 256); ty * 256 < top + dy + H; ty++) {
        found.push({ href: template.replace('{z}', String(zoom)).replace('{x}', String(tx)).replace('{y}', String(ty)), x: tx * 256 - left - dx, y: ty * 256 - top - dy })
      }
    }
    return found
  }, [template, datum, left, top, zoom, W, H])

  const move = (dx: number, dy: number) => onMove?.(unproject(cx - dx, cy - dy, zoom))
  const down = (event: PointerEvent) => {
    if (!onMove || (event.target as Element).closest('button')) return
    from.current = { x: event.clientX, y: event.clientY }
    ;(event.currentTarget as Element).setPointerCapture(event.pointerId)
  }
  const moved = (event: PointerEvent): [number, number] => {
    const start = from.current!
    return [event.clientX - start.x, event.clientY - start.y]
  }
  const arrows: Record<string, [number, number]> = { ArrowLeft: [8, 0], ArrowRight: [-8, 0], ArrowUp: [0, 8], ArrowDown: [0, -8] }

  return (
    <div
      ref={host} class={`small-map ${onMove ? '' : 'low'}`} role="group" aria-label={label} tabIndex={onMove ? 0 : -1}
      onPointerDown={down}
      onPointerMove={(event) => from.current && setDrag(moved(event))}
      onPointerUp={(event) => {
        if (!from.current) return
        const [dx, dy] = moved(event)
        from.current = null
        setDrag([0, 0])
        if (Math.hypot(dx, dy) > 3) move(dx, dy)
      }}
      onPointerCancel={() => {
        from.current = null
        setDrag([0, 0])
      }}
      onKeyDown={(event) => {
        const step = arrows[event.key]
        if (step && onMove) {
          event.preventDefault()
          move(...step)
        }
      }}
    >
      <svg viewBox={`0 0 ${W} ${H}`} aria-hidden="true">
        {tiles.map((tile) => <image key={tile.href} href={tile.href} x={tile.x} y={tile.y} width="256" height="256" />)}
        <g transform={`translate(${origin[0] - left} ${origin[1] - top})`}>
          {shapes.map((shape) => <path key={shape.id} d={shape.path} fill="var(--cell)" stroke="var(--cell-line)" stroke-width="1.5" stroke-opacity="0.6" />)}
        </g>
        {dots.map((dot, n) => {
          const [x, y] = project(dot, zoom)
          return <circle key={n} cx={x - left} cy={y - top} r="5" fill="var(--wait)" stroke="var(--surface)" stroke-width="1.5" />
        })}
        {accuracyM ? <circle cx={W / 2} cy={H / 2} r={Math.min(accuracyM / metresPerPixel, 400)} fill="var(--calm)" fill-opacity="0.15" stroke="var(--calm)" /> : null}
        <path d={`M${W / 2} ${H / 2}c-9 -12 -14 -17 -14 -25a14 14 0 1 1 28 0c0 8 -5 13 -14 25z`} fill="var(--late)" stroke="var(--surface)" stroke-width="2" />
        <circle cx={W / 2} cy={H / 2 - 25} r="5" fill="var(--surface)" />
      </svg>
      {onMove && (
        <div class="plus">
          <button type="button" class="button" aria-label={t('zoom-in')} onClick={() => setZoom(Math.min(19, zoom + 1))}><Plus class="icon" aria-hidden="true" /></button>
          <button type="button" class="button" aria-label={t('zoom-out')} onClick={() => setZoom(Math.max(12, zoom - 1))}><Minus class="icon" aria-hidden="true" /></button>
        </div>
      )}
    </div>
  )
}

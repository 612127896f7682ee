// The map of issues: MapLibre with the server's own style and tiles. This module is loaded only where a map is shown.
import 'maplibre-gl/dist/maplibre-gl.css'
import { AttributionControl, GeolocateControl, LngLatBounds, Map as Drawn, type MapMouseEvent, NavigationControl, setWorkerUrl, type StyleSpecification } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url'
import type { FunctionComponent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { get } from '../api/http'
import { Turns } from '../keep/asking'
import { useReturn } from '../keep/connection'
import type { Hotspots, Issue } from '../api/wire'
import { beat } from '../keep/sync'
import { isDark, theme } from '../keep/theme'
import { language, t } from '../words'

setWorkerUrl(workerUrl)

/** So long after a failure the map tries by itself; each time twice as long, up to a minute. */
const RETRY_MS = 4_000
const RETRY_MOST_MS = 60_000

/** Nobody answered, or somebody who was too busy. */
function isUnreached(error: { message: string; status?: number } | undefined): boolean {
  if (!error) return false
  if (error.status === undefined) return /fetch|network/i.test(error.message)
  return error.status === 0 || error.status >= 500
}

/** Ask for all tiles again: a style that is the same as before asks for none that failed. */
function askAgain(map: Drawn, style: StyleSpecification): void {
  for (const [id, source] of Object.entries(style.sources)) {
    if (/vector|raster/.test(source.type) && map.getSource(id)) map.refreshTiles(id)
  }
}

export type View = 'points' | 'heat' | 'cells'

export interface MapProps {
  tall?: boolean
  published?: boolean
  /** Of the tiles: `state=…&category=…&overdue=true`. */
  filter?: string
  hotspots?: Hotspots | null
  /** A round through these, in this order. */
  way?: readonly Issue[]
  at?: { lat: number; lon: number; zoom: number } | undefined
  /** Where to look; a change of it moves the map. */
  box?: [number, number, number, number] | null
  onIssue?: (id: string) => void
  onMoved?: (box: [number, number, number, number], at: string) => void
}

interface Described extends StyleSpecification {
  metadata: { 'gridpatrol:basemap': string; 'gridpatrol:groups': Record<string, string> }
}

async function describe(view: View, published: boolean, filter: string): Promise<Described> {
  const style = await get<Described>(`/v1/map/style.json?view=${view}&theme=${isDark() ? 'dark' : 'light'}${published ? '&public=true' : ''}`)
  const beneath = style.metadata['gridpatrol:basemap']
  if (beneath) {
    const theirs = (await (await fetch(beneath)).json()) as StyleSpecification
    Object.assign(style.sources, theirs.sources)
    style.layers = [...theirs.layers, ...style.layers.filter((layer) => layer.type !== 'background')]
    if (theirs.glyphs) style.glyphs = theirs.glyphs
  }
  if (filter) {
    const layer = published ? 'public' : 'issues'
    const tiles = await get<{ tiles: string[]; maxzoom: number; bounds: [number, number, number, number] }>(`/v1/tiles/${layer}.json`)
    style.sources['issues'] = { type: 'vector', tiles: tiles.tiles.map((address) => `${address}?${filter}`), maxzoom: tiles.maxzoom, bounds: tiles.bounds }
  }
  return style
}

const BigMap: FunctionComponent<MapProps> = ({ tall, published = false, filter = '', hotspots, way, at, box, onIssue, onMoved }) => {
  const host = useRef<HTMLDivElement>(null)
  const map = useRef<Drawn | null>(null)
  const [view, setView] = useState<View>('points')
  const [trouble, setTrouble] = useState(false)
  /** Counts up when the map is to be asked for anew. */
  const [tries, setTries] = useState(0)
  const overlays = useRef<() => void>(() => {})
  const styles = useRef(new Turns())
  const bounded = useRef(false)

  useEffect(() => {
    const made = new Drawn({
      container: host.current!, center: at ? [at.lon, at.lat] : [104, 35], zoom: at?.zoom ?? 3, attributionControl: false, maxZoom: 19,
      locale: { 'NavigationControl.ZoomIn': t('zoom-in'), 'NavigationControl.ZoomOut': t('zoom-out'), 'GeolocateControl.FindMyLocation': t('my-place'), 'GeolocateControl.LocationNotAvailable': t('location-unknown'), 'Map.Title': t('map'), 'AttributionControl.ToggleAttribution': t('sources') },
    })
    map.current = made
    made.addControl(new NavigationControl({ showCompass: false }), 'top-right')
    made.addControl(new GeolocateControl({ positionOptions: { enableHighAccuracy: true }, trackUserLocation: true }), 'top-right')
    made.addControl(new AttributionControl({ compact: true }), 'bottom-right')
    // A drag at the map's edge must not be one of the page.
    made.getCanvas().setAttribute('aria-label', t('map'))
    made.on('click', (event: MapMouseEvent) => {
      const near: [[number, number], [number, number]] = [[event.point.x - 12, event.point.y - 12], [event.point.x + 12, event.point.y + 12]]
      const layers = ['issues', 'squares'].filter((id) => made.getLayer(id))
      const [found] = made.queryRenderedFeatures(near, { layers })
      if (!found) return
      const id = (found.properties as { id?: string }).id
      if (id && found.layer.id === 'issues') onIssue?.(id)
      else made.easeTo({ center: event.lngLat, zoom: Math.min(made.getZoom() + 2, 17) })
    })
    made.on('moveend', () => {
      const b = made.getBounds()
      const c = made.getCenter()
      onMoved?.([b.getWest(), b.getSouth(), b.getEast(), b.getNorth()], `${c.lat.toFixed(5)},${c.lng.toFixed(5)},${made.getZoom().toFixed(1)}`)
    })
    made.on('style.load', () => overlays.current())
    // A tile that could not be fetched is asked for again by nobody but this map.
    made.on('error', (event) => {
      if (isUnreached(event.error as { message: string; status?: number } | undefined)) setTrouble(true)
    })
    return () => {
      map.current = null
      made.remove()
    }
  }, [])

  useEffect(() => {
    const stands = styles.current.begin()
    describe(view, published, filter).then(
      (style) => {
        const made = map.current
        if (!stands() || !made) return
        made.setStyle(style)
        if (tries > 0) askAgain(made, style)
        setTrouble(false)
      },
      () => stands() && setTrouble(true),
    )
  }, [view, published, filter, theme.value, tries])
  // Where nobody said where to look, there where the issues are; asked until it is known.
  useEffect(() => {
    if (at || bounded.current) return
    const layer = published ? 'public' : 'issues'
    get<{ bounds: [number, number, number, number] }>(`/v1/tiles/${layer}.json`).then(
      ({ bounds }) => {
        if (!map.current || bounded.current) return
        bounded.current = true
        if (bounds[0] <= -180 || box) return
        map.current.fitBounds(bounds, { padding: 30, animate: false, maxZoom: 16 })
      },
      () => setTrouble(true),
    )
  }, [tries])
  const again = () => setTries((n) => n + 1)
  useEffect(() => {
    if (!trouble) return
    const timer = setTimeout(again, Math.min(RETRY_MS * 2 ** Math.min(tries, 10), RETRY_MOST_MS))
    return () => clearTimeout(timer)
  }, [trouble, tries])
  useReturn(trouble, again)

  overlays.current = () => {
    const made = map.current
    if (!made?.isStyleLoaded() && !made?.getStyle()) return
    const line = { type: 'Feature' as const, properties: {}, geometry: { type: 'LineString' as const, coordinates: (way ?? []).map((issue) => [issue.position.lon, issue.position.lat]) } }
    const put = (id: string, data: unknown, layer: (id: string) => Parameters<Drawn['addLayer']>[0]) => {
      const source = made!.getSource(id) as { setData?: (data: unknown) => void } | undefined
      if (source?.setData) source.setData(data)
      else {
        made!.addSource(id, { type: 'geojson', data: data as never })
        made!.addLayer(layer(id))
      }
    }
    if (hotspots) put('hotspots', hotspots, (id) => ({ id, type: 'line', source: id, paint: { 'line-color': '#c1121f', 'line-width': 2.5, 'line-dasharray': [2, 1] } }))
    if (way?.length) put('way', line, (id) => ({ id, type: 'line', source: id, paint: { 'line-color': '#1f5a96', 'line-width': 3 } }))
  }
  useEffect(() => {
    if (map.current?.isStyleLoaded()) overlays.current()
    if (way?.length) {
      const bounds = way.reduce((all, issue) => all.extend([issue.position.lon, issue.position.lat]), new LngLatBounds())
      map.current?.fitBounds(bounds, { padding: 50, maxZoom: 17, animate: false })
    }
  }, [hotspots, way])
  useEffect(() => {
    if (box) map.current?.fitBounds(box, { padding: 60, maxZoom: 17 })
  }, [box])

  // What changed is drawn anew, at most every few seconds: the map itself is up to two behind.
  useEffect(() => {
    const timer = setTimeout(() => {
      const made = map.current
      if (made?.getSource('issues')) made.refreshTiles('issues')
    }, 2500)
    return () => clearTimeout(timer)
  }, [beat.value])

  return (
    <div class={`map ${tall ? 'tall' : ''}`}>
      <div ref={host} style={{ position: 'absolute', inset: 0 }} data-language={language()} />
      <div class="views" role="group" aria-label={t('view')}>
        {(published ? ['points', 'heat'] as const : ['points', 'heat', 'cells'] as const).map((name) => <button key={name} class="button small" aria-pressed={view === name} onClick={() => setView(name)}>{t(`view-${name}`)}</button>)}
      </div>
      <div role="status">
        {trouble && (
          <p class="tell" style={{ position: 'absolute', inset: 'auto 0 0 0' }}>
            <span class="grow">{t('map-offline')}</span>
            <button class="button small" onClick={again}>{t('try-again')}</button>
          </p>
        )}
      </div>
    </div>
  )
}
export default BigMap

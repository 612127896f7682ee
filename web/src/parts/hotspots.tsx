import type { FunctionComponent } from 'preact'
import type { Hotspots } from '../api/wire'
import { listed, moment, t } from '../words'
import { categoryName } from './bits'

type Box = [number, number, number, number]

function boxOf(geometry: Record<string, unknown>): Box {
  const ring = (geometry['coordinates'] as [number, number][][])[0]!
  const lons = ring.map(([lon]) => lon)
  const lats = ring.map(([, lat]) => lat)
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
}

/** The worst places, and what their scores are made of. */
export const SmallHotspots: FunctionComponent<{ hotspots: Hotspots; onPick: (box: Box) => void }> = ({ hotspots, onPick }) => (
  <section class="card" aria-label={t('hotspots')}>
    <h2>{t('hotspots')}</h2>
    {hotspots.features.length === 0 && <p class="quiet">{t('no-hotspots')}</p>}
    <ol class="items">
      {hotspots.features.slice(0, 10).map(({ id, properties: p, geometry }) => (
        <li key={id}>
          <button class="button" style={{ width: '100%', textAlign: 'left', justifyContent: 'flex-start' }} onClick={() => onPick(boxOf(geometry))}>
            <b class="badge late">{p.score}</b>
            <span class="grow">{listed(p.cells.slice(0, 2).map((cell) => cell.name))} · {listed(p.categories.map((kind) => `${categoryName(kind.category)} ${kind.open}`))}
              <span class="small quiet" style={{ display: 'block' }}>{t('hotspot-made-of', { open: p.open, overdue: p.overdue, recurring: p.recurring, week: p.trend.week, before: p.trend.week_before })}</span></span>
          </button>
        </li>
      ))}
    </ol>
    <p class="small quiet">{t('as-of', { at: moment(hotspots.as_of) })}</p>
  </section>
)

import type { FunctionComponent } from 'preact'
import { t } from '../words'
import type { MapProps } from './big-map'
import { Waiting } from './bits'
import { later } from './later'

/** The map, fetched when it is first shown. */
export const IssueMap: FunctionComponent<MapProps> = later<MapProps>(
  () => import('./big-map').then((made) => made.default),
  {
    waiting: () => (
      <div class="map">
        <Waiting />
      </div>
    ),
    failed: ({ again, anew }) => (
      <div class="card" role="status">
        <p>{anew ? t('not-loaded-anew') : t('map-offline')}</p>
        <button class="button" onClick={again}>
          {anew ? t('reload') : t('try-again')}
        </button>
      </div>
    ),
  },
)

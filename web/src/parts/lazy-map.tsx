import { lazy, Suspense } from 'preact/compat'
import type { ComponentType, FunctionComponent } from 'preact'
import { t } from '../words'
import type { MapProps } from './big-map'
import { Waiting } from './bits'

const Unloaded: FunctionComponent<MapProps> = () => <p class="card" role="status">{t('map-offline')}</p>
const Loaded = lazy<ComponentType<MapProps>>(() => import('./big-map').catch(() => ({ default: Unloaded })))
/** The map, fetched when it is first shown. */
export const IssueMap: FunctionComponent<MapProps> = (props) => <Suspense fallback={<div class="map"><Waiting /></div>}><Loaded {...props} /></Suspense>

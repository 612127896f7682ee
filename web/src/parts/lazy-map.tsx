import { lazy, Suspense } from 'preact/compat'
import type { FunctionComponent } from 'preact'
import type { MapProps } from './big-map'
import { Waiting } from './bits'

const Loaded = lazy(() => import('./big-map'))
/** The map, fetched when it is first shown. */
export const IssueMap: FunctionComponent<MapProps> = (props) => <Suspense fallback={<div class="map"><Waiting /></div>}><Loaded {...props} /></Suspense>

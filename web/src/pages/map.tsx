// The map: one's issues, or a round through one's tasks.
import type { FunctionComponent } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useLocation, useSearchParams } from 'wouter-preact'
import type { Hotspots } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { locate, located } from '../keep/locating'
import { me, myUnits, office } from '../keep/session'
import { issues } from '../keep/sync'
import { SmallHotspots } from '../parts/hotspots'
import { IssueMap } from '../parts/lazy-map'
import { IssueRow } from '../parts/issue-row'
import { homeArea } from '../parts/home-area'
import { Page } from '../shell'
import { t } from '../words'
import { round } from './tasks'

export const MapPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [box, setBox] = useState<[number, number, number, number] | null>(null)
  const [picked, setPicked] = useState<string | null>(null)
  const tasks = search.get('tasks') === '1'
  useEffect(() => (tasks ? locate() : undefined), [tasks])
  const area = homeArea()
  const hotspots = useKept<Hotspots>(area && !tasks ? `/v1/hotspots?area=${area}` : null, usePulse()).body
  const [lat, lon, zoom] = (search.get('at') ?? '').split(',').map(Number)
  const at = lat && lon ? { lat, lon, zoom: zoom || 15 } : undefined
  const way = useMemo(() => {
    if (!tasks) return undefined
    const mine = [...issues.value.values()].filter((issue) => (myUnits.value.includes(issue.unit?.id ?? '') || issue.assignee?.id === me.value?.id) && ['assigned', 'in_progress'].includes(issue.state))
    return round(located.value.spot, mine)
  }, [tasks, issues.value, located.value.spot !== null])
  const shown = picked ? issues.value.get(picked) : null
  return (
    <Page title={tasks ? t('way-on-map') : t('map')} wide>
      <IssueMap tall {...(way ? { way } : {})} hotspots={hotspots} at={at} box={box}
        onIssue={(id) => (issues.value.has(id) ? setPicked(id) : go(`/app/issues/${id}`))}
        onMoved={(_, place) => setSearch((now) => ({ ...Object.fromEntries(now), at: place }), { replace: true })} />
      {shown && <IssueRow issue={shown} />}
      {way && <ol class="items">{way.map((issue, n) => <li key={issue.id}><IssueRow issue={issue} note={`${n + 1}`} /></li>)}</ol>}
      {hotspots && !tasks && (office.value || hotspots.features.length > 0) && <SmallHotspots hotspots={hotspots} onPick={setBox} />}
    </Page>
  )
}

// My walk through the cells.
import { Flag, Footprints, Play } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import type { Problem } from '../api/http'
import type { Patrol } from '../api/wire'
import { useKeptForm } from '../keep/forms'
import { useKept } from '../keep/kept'
import { located } from '../keep/locating'
import { me, myCells } from '../keep/session'
import { cells } from '../keep/sync'
import { beginWalk, endWalk, resumeWalk, walk } from '../keep/walking'
import { Age, Empty, ProblemBox, told } from '../parts/bits'
import { cellAt, middle } from '../parts/geo'
import { useOnce } from '../parts/once'
import { SmallMap } from '../parts/small-map'
import { Page } from '../shell'
import { listed, moment, t } from '../words'

export const PatrolPage: FunctionComponent = () => {
  const [people, setPeople] = useState(1)
  const kept = useKeptForm(walk.value ? `walk:${walk.value.id}` : null, t('patrol'))
  const note = typeof kept.fields['note'] === 'string' ? kept.fields['note'] : ''
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const past = useKept<{ items: Patrol[] }>('/v1/patrols?mine=true&limit=20', walk.value === null)
  useEffect(() => void resumeWalk(), [])
  const here = located.value.spot
  const cell = here ? cellAt(here, cells.value) : null
  const home = cells.value.find((cell) => me.value?.cells.some((mine) => mine.id === cell.id)) ?? cells.value[0]
  // A second tap must not begin a second walk.
  const { busy, run: once } = useOnce()
  const run = (what: () => Promise<void>) => once(() => what().then(() => setProblem(null), (error) => setProblem(told(error))))
  return (
    <Page title={t('patrol')}>
      {walk.value ? (
        <section class="card">
          <h2><Footprints class="icon" aria-hidden="true" />{t('walking-since', { at: moment(walk.value.started_at) })}</h2>
          <p>{cell ? t('walking-in', { cell: cell.properties.name }) : located.value.trouble ? t('location-denied') : t('locating')} · {t('points-n', { n: walk.value.points })}</p>
          {(here ?? home) && <SmallMap at={here ?? middle(home!)} accuracyM={here?.accuracy_m} cells={cells.value} label={t('map')} />}
          <label class="field"><span>{t('note')}</span><textarea rows={2} value={note} maxLength={4000} onInput={(event) => kept.set({ note: event.currentTarget.value })} /></label>
          <div class="row"><Link href="/app/report" class="button grow">{t('report')}</Link><button class="button first grow" disabled={busy} onClick={() => void run(() => endWalk(note).then(kept.end))}><Flag class="icon" aria-hidden="true" />{t('end-walk')}</button></div>
        </section>
      ) : (
        <section class="card">
          <h2>{t('new-walk')}</h2>
          <label class="field"><span>{t('people-with-me')}</span><input type="number" min="1" max="100" value={people} onInput={(event) => setPeople(Math.max(1, Number(event.currentTarget.value) || 1))} /></label>
          <button class="button first" disabled={busy} onClick={() => void run(() => beginWalk(people))}><Play class="icon" aria-hidden="true" />{t('begin-walk')}</button>
          <p class="small quiet">{t('walk-hint')}</p>
        </section>
      )}
      <ProblemBox problem={problem} />
      {myCells.value.length > 0 && <Link href="/app/coverage" class="button">{t('coverage')}</Link>}
      <section class="card" aria-label={t('my-walks')}>
        <h2>{t('my-walks')}</h2>
        <Age kept={past} />
        {past.body?.items.length === 0 && <Empty title={t('no-walks')} />}
        <ul class="items">{past.body?.items.map((patrol) => <li key={patrol.id} class="row apart"><span>{moment(patrol.started_at)}{patrol.ended_at ? ` – ${moment(patrol.ended_at)}` : ''}</span><span class="quiet">{listed(patrol.cells.map((cell) => cell.name)) || '–'}</span></li>)}</ul>
      </section>
    </Page>
  )
}

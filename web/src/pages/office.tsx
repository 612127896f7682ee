// The office's first screen: how things stand, where they gather, and the ways to everything else.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useLocation, useSearchParams } from 'wouter-preact'
import type { Hotspots, Summary } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { roles } from '../keep/session'
import { places } from '../keep/sync'
import { Age, categoryName, NoArea } from '../parts/bits'
import { homeArea } from '../parts/home-area'
import { SmallHotspots } from '../parts/hotspots'
import { IssueMap } from '../parts/lazy-map'
import { Page } from '../shell'
import { day, moment, percent, t, word } from '../words'

export const OfficePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [box, setBox] = useState<[number, number, number, number] | null>(null)
  const area = search.get('area') ?? homeArea()
  const now = usePulse()
  const kept = useKept<Summary>(area ? `/v1/areas/${area}/summary` : null, now)
  const hotspots = useKept<Hotspots>(area ? `/v1/hotspots?area=${area}` : null, now)
  const s = kept.body
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  const to = (filter: string) => `/app/issues?${area ? `area=${area}&` : ''}${filter}`
  const most = Math.max(1, ...(s?.days.flatMap((on) => [on.opened, on.closed]) ?? []))
  return (
    <Page title={t('overview')} wide>
      <div class="row">
        {areas.length > 1 && <label class="grow"><span class="hidden">{t('area')}</span><select value={area ?? ''} onInput={(event) => setSearch({ area: event.currentTarget.value })}>{areas.map((place) => <option key={place.id} value={place.id}>{place.properties.name}</option>)}</select></label>}
        <Link class="button small" href={`/app/weekly?area=${area ?? ''}`}>{t('weekly')}</Link>
        <Link class="button small" href={`/app/activities?area=${area ?? ''}`}>{t('activities')}</Link>
        <Link class="button small" href={`/app/league?area=${area ?? ''}`}>{t('league')}</Link>
        <Link class="button small" href="/app/handovers">{t('handovers')}</Link>
        <Link class="button small" href={to('state=accepted&unowned=true')}>{t('unowned')}</Link>
        <Link class="button small" href="/app/black-spots">{t('black-spots')}</Link>
        <Link class="button small" href={`/app/coverage?area=${area ?? ''}`}>{t('coverage')}</Link>
        <Link class="button small" href="/app/people">{t('people')}</Link>
        <Link class="button small" href="/app/areas">{t('areas')}</Link>
        <Link class="button small" href="/app/audit">{t('audit')}</Link>
        {roles.value.has('admin') && <Link class="button small" href="/app/catalogue">{t('catalogue')}</Link>}
      </div>
      {area ? <Age kept={kept} always /> : <NoArea />}
      {s && (
        <>
          <div class="figures">
            <Link class="figure" href={to('state=open')}><b>{s.open}</b>{t('open-now')}</Link>
            <Link class="figure late" href={to('state=open&overdue=true')}><b>{s.overdue}</b>{t('overdue')}</Link>
            <Link class="figure" href={to('state=reported')}><b>{s.states['reported'] ?? 0}</b>{word('state', 'reported')}</Link>
            <Link class="figure" href={to('state=rectified')}><b>{s.states['rectified'] ?? 0}</b>{word('state', 'rectified')}</Link>
            <Link class="figure" href={to('state=handed_over')}><b>{s.states['handed_over'] ?? 0}</b>{word('state', 'handed_over')}</Link>
            <div class="figure"><b>{s.opened_this_week}</b>{t('opened-week')}</div>
            <div class="figure"><b>{s.closed_this_week}</b>{t('closed-week')}</div>
            <div class="figure"><b>{percent(s.on_time_rate)}</b>{t('on-time')}</div>
            <div class="figure"><b>{percent(s.recurrence_rate)}</b>{t('recurrence-rate')}</div>
          </div>
          <div class="beside">
            <IssueMap hotspots={hotspots.body} box={box} onIssue={(id) => go(`/app/issues/${id}`)} />
            <div class="items">
              {hotspots.body && <SmallHotspots hotspots={hotspots.body} onPick={setBox} />}
              <section class="card" aria-label={t('days')}>
                <h2>{t('days')}</h2>
                <div class="bars" role="img" aria-label={t('days-told', { opened: s.opened, closed: s.closed })}>
                  {s.days.map((on) => [<i key={`o${on.day}`} title={`${day(on.day)} ${t('found')} ${on.opened}`} style={{ height: `${(100 * on.opened) / most}%` }} />, <i key={`c${on.day}`} class="closed" title={`${day(on.day)} ${t('closed')} ${on.closed}`} style={{ height: `${(100 * on.closed) / most}%` }} />])}
                </div>
                <p class="small quiet">{day(s.since)} – {day(s.until)} · <span style={{ color: 'var(--brand-text)' }}>■</span> {t('found')} {s.opened} · <span style={{ color: 'var(--calm)' }}>■</span> {t('closed')} {s.closed}</p>
              </section>
            </div>
          </div>
          <section class="card" aria-label={t('by-kind')}>
            <h2>{t('by-kind')}</h2>
            <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('by-kind') })}>
              <table>
                <thead><tr><th scope="col">{t('category')}</th><th scope="col" class="n">{t('open-now')}</th><th scope="col" class="n">{t('overdue')}</th><th scope="col" class="n">{t('closed')}</th><th scope="col" class="n">{t('on-time')}</th><th scope="col" class="n">{t('median')}</th></tr></thead>
                <tbody>{s.categories.map((row) => <tr key={row.category}><th scope="row"><Link href={to(`state=open&category=${row.category}`)}>{categoryName(row.category)}</Link></th><td class="n">{row.open}</td><td class="n">{row.overdue}</td><td class="n">{row.closed}</td><td class="n">{percent(row.on_time_rate)}</td><td class="n">{row.median_hours === null ? '–' : t('hours', { n: row.median_hours })}</td></tr>)}</tbody>
              </table>
            </div>
            {s.map_as_of && <p class="small quiet">{t('as-of', { at: moment(s.map_as_of) })}</p>}
          </section>
        </>
      )}
    </Page>
  )
}

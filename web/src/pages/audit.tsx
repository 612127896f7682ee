// Who did what in the office: roles, settings, papers, what was taken along or looked at. For the office of its areas, an admin all.
import type { FunctionComponent } from 'preact'
import { useSearchParams } from 'wouter-preact'
import { NAMES } from '../api/names'
import { get } from '../api/http'
import type { Deed, Page as PageOf } from '../api/wire'
import { usePages } from '../keep/asking'
import { places } from '../keep/sync'
import { Empty, ProblemBox, told, Waiting } from '../parts/bits'
import { isDay, plusDays } from '../parts/dates'
import { Page } from '../shell'
import { moment, t, word } from '../words'

const KINDS = Object.keys(NAMES.en).filter((name) => name.startsWith('audit.')).map((name) => name.slice(6))
/** The first moment of a day, where the reader is. */
const begin = (day: string) => new Date(`${day}T00:00:00`).toISOString()

/** What is known of it beside names: a role, a form, how many. */
const details = (deed: Deed): string => {
  const { role, form, people, version } = deed.details as Record<string, string | number | null | undefined>
  return [role ? word('role', String(role)) : '', form ?? '', people != null ? t('people-count', { n: people }) : '', Number(version) > 1 ? t('corrected-n', { n: Number(version) - 1 }) : ''].filter(Boolean).join(' · ')
}

export const AuditPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const area = search.get('area') ?? ''
  const kind = KINDS.includes(search.get('kind') ?? '') ? search.get('kind')! : ''
  const [since, until] = [search.get('since'), search.get('until')]
  const asked = new URLSearchParams({
    ...(area ? { area } : {}), ...(kind ? { kind } : {}),
    ...(isDay(since) ? { since: begin(since) } : {}), ...(isDay(until) ? { until: begin(plusDays(until, 1)) } : {}),
  }).toString()
  const pages = usePages(asked, (key, cursor) => get<PageOf<Deed>>(`/v1/audit?${key}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`), told)
  const change = (more: Record<string, string>) => {
    const all = { area, kind, since: since ?? '', until: until ?? '', ...more }
    setSearch(Object.fromEntries(Object.entries(all).filter(([, value]) => value)))
  }
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  return (
    <Page title={t('audit')} back="/app/office">
      <div class="row">
        <label class="grow"><span class="hidden">{t('audit-of')}</span><select value={kind} onInput={(event) => change({ kind: event.currentTarget.value })}><option value="">{t('all-deeds')}</option>{KINDS.map((name) => <option key={name} value={name}>{word('audit', name)}</option>)}</select></label>
        {areas.length > 1 && <label class="grow"><span class="hidden">{t('area')}</span><select value={area} onInput={(event) => change({ area: event.currentTarget.value })}><option value="">{t('all-areas')}</option>{areas.map((place) => <option key={place.id} value={place.id}>{place.properties.name}</option>)}</select></label>}
      </div>
      <div class="row">
        <label class="grow field"><span>{t('since-day')}</span><input type="date" value={since ?? ''} onInput={(event) => change({ since: event.currentTarget.value })} /></label>
        <label class="grow field"><span>{t('until-day')}</span><input type="date" value={until ?? ''} onInput={(event) => change({ until: event.currentTarget.value })} /></label>
      </div>
      <ProblemBox problem={pages.problem} />
      {pages.items === null ? (pages.problem ? null : <Waiting />) : pages.items.length === 0 ? <Empty title={t('audit-empty')} /> : (
        <ul class="items">
          {pages.items.map((deed) => (
            <li key={deed.id} class="card">
              <p><b>{word('audit', deed.kind)}</b> {deed.subject.name ?? deed.subject.code ?? ''} <span class="quiet">{details(deed)}</span></p>
              <p class="small quiet">{[moment(deed.at), deed.by?.name ?? t('by-command'), deed.area?.name, deed.device].filter(Boolean).join(' · ')}</p>
            </li>
          ))}
        </ul>
      )}
      {pages.next && <button class="button" disabled={pages.busy} onClick={pages.more}>{t('next-page')}</button>}
    </Page>
  )
}

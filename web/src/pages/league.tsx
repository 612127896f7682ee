// How cells and units do beside each other, with the figures behind; and the month's findings to be circulated.
import { Download, Printer } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useSearchParams } from 'wouter-preact'
import type { League } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { office } from '../keep/session'
import { Age, Empty, NoArea } from '../parts/bits'
import { firstOfMonth, today } from '../parts/dates'
import { homeArea, zoneOf } from '../parts/home-area'
import { Page } from '../shell'
import { day, language, percent, t } from '../words'

const RATES = ['on_time', 'on_time_extended', 'first_time', 'lasting', 'coverage'] as const
const HEADS = { on_time: 'on-time', on_time_extended: 'on-time-extended', first_time: 'first-time', lasting: 'lasting', coverage: 'walked-rate' } as const

export const LeaguePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const area = search.get('area') || homeArea()
  const of = search.get('of') === 'units' ? 'units' : 'cells'
  const kept = useKept<League>(area ? `/v1/league?area=${area}&of=${of}` : null, usePulse())
  const month = (by: number) => firstOfMonth(today(zoneOf(area)), by)
  const found = kept.body
  const rates = RATES.filter((name) => found?.overall[name])
  return (
    <Page title={t('league')} back={office.value ? '/app/office' : '/'} wide>
      <div class="row" role="group" aria-label={t('league')}>
        {(['cells', 'units'] as const).map((name) => <button key={name} class="button small" aria-pressed={of === name} onClick={() => setSearch({ ...(area ? { area } : {}), of: name })}>{t(`by-${name}`)}</button>)}
      </div>
      {area ? <Age kept={kept} /> : <NoArea />}
      {found && (
        <>
          <p class="small quiet">{day(found.since)} – {day(found.until)} · {t('league-hint', { prior: found.prior, least: found.least })}</p>
          {found.items.length === 0 ? <Empty title={t('league-empty')} /> : (
            <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('league') })}>
              <table>
                <thead><tr><th scope="col" class="n">{t('rank')}</th><th scope="col">{t(`by-${of}`)}</th><th scope="col" class="n">{t('score')}</th>{rates.map((name) => <th key={name} scope="col" class="n">{t(HEADS[name])}</th>)}<th scope="col" class="n">{t('due-n')}</th><th scope="col" class="n">{t('closed')}</th><th scope="col" class="n">{t('ended')}</th><th scope="col" class="n">{t('open-now')}</th><th scope="col" class="n">{t('overdue')}</th></tr></thead>
                <tbody>
                  {found.items.map((row) => (
                    <tr key={row.id}>
                      <td class="n">{row.rank ?? '–'}</td><th scope="row">{row.name}</th><td class="n"><b>{row.score === null ? '–' : row.score.toFixed(2)}</b></td>
                      {rates.map((name) => <td key={name} class="n">{percent(row[name]?.rate ?? null)} <span class="small quiet">{row[name]?.part}/{row[name]?.whole}</span></td>)}
                      <td class="n">{row.due}</td><td class="n">{row.closed}</td><td class="n">{row.closed_unresolved}</td><td class="n">{row.open}</td><td class="n">{row.overdue}</td>
                    </tr>
                  ))}
                </tbody>
                <tfoot><tr><td /><th scope="row">{t('all-together')}</th><td />{rates.map((name) => <td key={name} class="n">{percent(found.overall[name]!.rate)} <span class="small quiet">{found.overall[name]!.part}/{found.overall[name]!.whole}</span></td>)}<td /><td /><td /><td /><td /></tr></tfoot>
              </table>
            </div>
          )}
        </>
      )}
      {office.value && area && (
        <section class="card" aria-label={t('circulation')}>
          <h2>{t('circulation')}</h2>
          {([['this-month', month(0)], ['last-month', month(-1)]] as const).map(([key, first]) => (
            <p key={key} class="row"><span class="grow">{t(key)}</span>
              <a class="button small" href={`/v1/circulation.docx?area=${area}&month=${first}&language=${language()}`} download aria-label={`${t(key)} Word`}><Download class="icon" aria-hidden="true" />Word</a>
              <a class="button small" href={`/v1/circulation.html?area=${area}&month=${first}&language=${language()}`} target="_blank" rel="noopener" aria-label={`${t(key)} ${t('print')}`}><Printer class="icon" aria-hidden="true" />{t('print')}</a></p>
          ))}
        </section>
      )}
    </Page>
  )
}

// How cells and units do, with the figures behind.
import type { FunctionComponent } from 'preact'
import { useSearchParams } from 'wouter-preact'
import type { CellSummary, Summary } from '../api/wire'
import { useKept } from '../keep/kept'
import { Age } from '../parts/bits'
import { homeArea } from '../parts/home-area'
import { Page } from '../shell'
import { percent, t } from '../words'

export const LeaguePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const area = search.get('area') || homeArea()
  const by = search.get('by') === 'units' ? 'units' : 'cells'
  const cells = useKept<{ items: CellSummary[] }>(area ? `/v1/cells/summary?area=${area}` : '/v1/cells/summary')
  const summary = useKept<Summary>(area ? `/v1/areas/${area}/summary` : null)
  const rows = by === 'cells'
    ? (cells.body?.items ?? []).map((cell) => ({ id: cell.id, name: cell.name, open: cell.open, overdue: cell.overdue, closed: cell.closed, on_time: cell.on_time_rate, rework: cell.rework_rate, recurrence: cell.recurrence_rate, median: cell.median_hours }))
    : (summary.body?.units ?? []).map((row) => ({ id: row.unit?.id ?? '-', name: row.unit?.name ?? t('nobody'), open: row.open, overdue: row.overdue, closed: row.closed, on_time: row.on_time_rate, rework: row.rework_rate, recurrence: null, median: row.median_hours }))
  const sorted = rows.sort((a, b) => (b.on_time ?? -1) - (a.on_time ?? -1) || b.closed - a.closed)
  return (
    <Page title={t('league')} back="/app/office" wide>
      <div class="row" role="group" aria-label={t('league')}>
        {(['cells', 'units'] as const).map((name) => <button key={name} class="button small" aria-pressed={by === name} onClick={() => setSearch({ ...(area ? { area } : {}), by: name })}>{t(`by-${name}`)}</button>)}
      </div>
      <p class="small quiet">{t('league-hint')}</p>
      <Age kept={by === 'cells' ? cells : summary} />
      <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('league') })}>
        <table>
          <thead><tr><th scope="col">{t(`by-${by}`)}</th><th scope="col" class="n">{t('on-time')}</th><th scope="col" class="n">{t('rework')}</th>{by === 'cells' && <th scope="col" class="n">{t('recurrence-rate')}</th>}<th scope="col" class="n">{t('median')}</th><th scope="col" class="n">{t('closed')}</th><th scope="col" class="n">{t('open-now')}</th><th scope="col" class="n">{t('overdue')}</th></tr></thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={row.id}><th scope="row">{row.name}</th><td class="n">{percent(row.on_time)}</td><td class="n">{percent(row.rework)}</td>{by === 'cells' && <td class="n">{percent(row.recurrence)}</td>}
                <td class="n">{row.median === null ? '–' : t('hours', { n: row.median })}</td><td class="n">{row.closed}</td><td class="n">{row.open}</td><td class="n">{row.overdue}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </Page>
  )
}

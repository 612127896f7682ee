// Which cells were walked this week, and which nobody saw.
import type { FunctionComponent } from 'preact'
import { useSearchParams } from 'wouter-preact'
import type { Coverage } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { Age, NoArea } from '../parts/bits'
import { monday, plusDays, today } from '../parts/dates'
import { homeArea, zoneOf } from '../parts/home-area'
import { Page } from '../shell'
import { day, listed, t } from '../words'

export const CoveragePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const week = Math.min(0, Number(search.get('week') ?? 0) || 0)
  const area = search.get('area') ?? homeArea()
  const since = plusDays(monday(today(zoneOf(area))), 7 * week)
  const kept = useKept<Coverage>(area ? `/v1/coverage?area=${area}&since=${since}` : null, usePulse())
  const coverage = kept.body
  const go = (to: number) => setSearch((now) => ({ ...Object.fromEntries(now), week: String(to) }))
  return (
    <Page title={t('coverage')} back="/" wide>
      <div class="row" role="group" aria-label={t('week')}>
        <button class="button small" onClick={() => go(week - 1)}>{t('week-before')}</button>
        <button class="button small" disabled={week === 0} onClick={() => go(week + 1)}>{t('week-after')}</button>
      </div>
      {area ? <Age kept={kept} /> : <NoArea />}
      {coverage && (
        <>
          <div class="figures">
            <div class="figure"><b>{coverage.walked}/{coverage.cells.length}</b>{t('cells-walked')}</div>
            <div class="figure"><b>{coverage.person_times}</b>{t('person-times')}</div>
            <div class="figure late"><b>{coverage.unwalked.length}</b>{t('cells-unseen')}</div>
          </div>
          {coverage.unwalked.length > 0 && <p>{t('unseen-are', { cells: listed(coverage.unwalked.map((cell) => cell.name)) })}</p>}
          <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('coverage') })}>
            <table class="grid-days">
              <thead><tr><th scope="col">{t('cell')}</th>{coverage.cells[0]?.days.map(({ day: on }) => <th scope="col" key={on}>{day(on)}</th>)}<th scope="col" class="n">{t('walks')}</th><th scope="col" class="n">{t('planned')}</th></tr></thead>
              <tbody>
                {coverage.cells.map((cell) => (
                  <tr key={cell.id}>
                    <th scope="row">{cell.name}</th>
                    {cell.days.map((on) => <td key={on.day} class={on.walks ? 'some' : ''}>{on.walks || '·'}</td>)}
                    <td class={`n ${cell.walks ? '' : 'none'}`}>{cell.walks}</td><td class="n">{cell.rounds_per_week}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Page>
  )
}

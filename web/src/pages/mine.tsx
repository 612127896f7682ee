// What I reported, and what became of it.
import type { FunctionComponent } from 'preact'
import { useSearchParams } from 'wouter-preact'
import { OPEN } from '../api/lifecycle'
import { own } from '../keep/sending'
import { issues, mine } from '../keep/sync'
import { Empty } from '../parts/bits'
import { Growing } from '../parts/growing'
import { IssueRow } from '../parts/issue-row'
import { Page } from '../shell'
import { moment, t } from '../words'
import { entryName } from './outbox'

const SHOWS = ['all', 'open', 'verify', 'done'] as const

export const MinePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const show = SHOWS.find((name) => name === search.get('show')) ?? 'all'
  const found = [...issues.value.values()]
    .filter((issue) => mine.value.has(issue.id))
    .filter((issue) => show === 'all' || (show === 'open' ? OPEN.includes(issue.state) : show === 'verify' ? issue.actions.includes('verify') : !OPEN.includes(issue.state)))
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
  const queued = own.value.filter((entry) => entry.kind === 'report')
  return (
    <Page title={t('mine')} back="/">
      <div class="row" role="group" aria-label={t('filter')}>
        {SHOWS.map((name) => <button key={name} class="button small" aria-pressed={show === name} onClick={() => setSearch({ show: name })}>{t(`show-${name}`)}</button>)}
      </div>
      {queued.map((entry) => <p key={entry.id} class="card"><span class="row apart"><b>{entryName(entry)}</b><span class={`badge ${entry.state === 'refused' ? 'late' : 'wait'}`}>{entry.state === 'refused' ? t('was-refused') : t('on-this-phone')}</span></span><span class="small quiet">{moment(new Date(entry.made_at))}</span></p>)}
      {found.length === 0 && queued.length === 0 ? <Empty title={t('mine-empty')}><p>{t('mine-empty-more')}</p></Empty> : <Growing items={found} keyOf={(issue) => issue.id} row={(issue) => <IssueRow issue={issue} note={issue.actions.includes('verify') ? t('please-verify') : undefined} />} />}
    </Page>
  )
}

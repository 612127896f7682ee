// The leader's queue: what is new, late, mended, or asks for something, in his cells; decided with one thumb.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useSearchParams } from 'wouter-preact'
import { OPEN } from '../api/lifecycle'
import type { Issue } from '../api/wire'
import { isOverdue } from '../keep/overdue'
import { myCells, office } from '../keep/session'
import { issues } from '../keep/sync'
import { Acting, atOnce, called, GRAVE, quickly, ranked } from '../parts/acting'
import { Empty } from '../parts/bits'
import { Growing } from '../parts/growing'
import { IssueRow } from '../parts/issue-row'
import { actOnce, isBusy } from '../parts/once'
import { Page } from '../shell'
import { t } from '../words'

const SHOWS = {
  new: (issue: Issue) => issue.state === 'reported',
  overdue: (issue: Issue) => isOverdue(issue),
  verify: (issue: Issue) => issue.actions.includes('verify'),
  photos: (issue: Issue) => issue.evidence_missing,
  asked: (issue: Issue) => issue.extension_until !== null && issue.actions.includes('grant_extension'),
  unowned: (issue: Issue) => issue.state === 'accepted' && !issue.unit && !issue.assignee,
  open: (issue: Issue) => OPEN.includes(issue.state),
} as const
type Show = keyof typeof SHOWS

export const QueuePage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [acting, setActing] = useState<{ issue: Issue; action: string } | null>(null)
  const cells = new Set(myCells.value)
  const all = [...issues.value.values()].filter((issue) => (cells.size ? cells.has(issue.cell?.id ?? '') : office.value))
  const counts = Object.fromEntries((Object.keys(SHOWS) as Show[]).map((name) => [name, all.filter(SHOWS[name]).length])) as Record<Show, number>
  const asked = search.get('show') as Show | null
  const show: Show = asked && Object.keys(SHOWS).includes(asked) ? asked : counts.new ? 'new' : counts.overdue ? 'overdue' : counts.verify ? 'verify' : 'open'
  const found = all.filter(SHOWS[show]).sort((a, b) => (show === 'new' ? a.created_at.localeCompare(b.created_at) : (a.deadline ?? '9').localeCompare(b.deadline ?? '9')))
  return (
    <Page title={t('queue')}>
      <div class="row" role="group" aria-label={t('filter')}>
        {(Object.keys(SHOWS) as Show[]).map((name) => <button key={name} class="button small" aria-pressed={show === name} onClick={() => setSearch({ show: name }, { replace: true })}>{t(`queue-${name}`)} {counts[name]}</button>)}
      </div>
      <div class="row"><Link href="/app/coverage" class="button small">{t('coverage')}</Link><Link href="/app/people" class="button small">{t('people')}</Link><Link href="/app/black-spots" class="button small">{t('black-spots')}</Link><Link href="/app/activities" class="button small">{t('activities')}</Link></div>
      {found.length === 0 ? <Empty title={t('queue-empty')} /> : (
        <Growing items={found} keyOf={(issue) => issue.id} row={(issue) => (
          <div class="items">
            <IssueRow issue={issue} note={isBusy(issue) ? t('on-its-way') : undefined} />
            {!isBusy(issue) && (
              <div class="row" role="group" aria-label={t('actions-for', { number: issue.number })}>
                {ranked(issue).filter((name) => name !== 'comment' || isOverdue(issue)).slice(0, show === 'new' ? 4 : 3).map((name, n) => (
                  <button key={name} class={`button small ${n === 0 ? 'first' : ''} ${GRAVE.has(name) ? 'grave' : ''}`} data-action={name}
                    onClick={() => (atOnce(issue, name) ? void actOnce(issue, () => quickly(issue, name)) : setActing({ issue, action: name }))}>{called(issue, name)}</button>
                ))}
              </div>
            )}
          </div>
        )} />
      )}
      {acting && <Acting issue={acting.issue} action={acting.action} onClose={() => setActing(null)} />}
    </Page>
  )
}

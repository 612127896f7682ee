// What was handed over and to whom, and what each still owes.
import type { FunctionComponent } from 'preact'
import { Link } from 'wouter-preact'
import type { Authority, IssuePage } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { Age, Empty } from '../parts/bits'
import { IssueRow } from '../parts/issue-row'
import { Page } from '../shell'
import { day, t } from '../words'

export const HandoversPage: FunctionComponent = () => {
  const now = usePulse()
  const kept = useKept<IssuePage>('/v1/issues?state=handed_over&limit=200', now)
  const authorities = useKept<{ items: Authority[] }>('/v1/authorities', now)
  const items = [...(kept.body?.items ?? [])].sort((a, b) => (a.handover?.reply_by ?? '9').localeCompare(b.handover?.reply_by ?? '9'))
  return (
    <Page title={t('handovers')} back="/app/office" wide>
      <Age kept={authorities} />
      <section class="card" aria-label={t('authorities')}>
        <h2>{t('authorities')}</h2>
        <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: t('authorities') })}>
          <table>
            <thead><tr><th scope="col">{t('authority')}</th><th scope="col" class="n">{t('owed')}</th><th scope="col" class="n">{t('overdue')}</th><th scope="col" class="n">{t('replies')}</th><th scope="col" class="n">{t('median')}</th></tr></thead>
            <tbody>{authorities.body?.items.map((row) => <tr key={row.id}><th scope="row">{row.name}{row.phone && <> · <a href={`tel:${row.phone}`}>{row.phone}</a></>}</th><td class="n">{row.open}</td><td class="n">{row.overdue}</td><td class="n">{row.replies}</td><td class="n">{row.median_hours === null ? '–' : t('hours', { n: row.median_hours })}</td></tr>)}</tbody>
          </table>
        </div>
      </section>
      <Age kept={kept} />
      {kept.body && items.length === 0 && <Empty title={t('no-handovers')} />}
      <ul class="items">{items.map((issue) => <li key={issue.id}><IssueRow issue={issue} note={issue.handover ? t('reply-due', { name: issue.handover.authority, at: day(issue.handover.reply_by) }) : undefined} /></li>)}</ul>
      <Link href="/app/issues?state=handed_over" class="button">{t('as-table')}</Link>
    </Page>
  )
}

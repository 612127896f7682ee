// One issue in a list.
import type { FunctionComponent } from 'preact'
import { memo } from 'preact/compat'
import { Link } from 'wouter-preact'
import type { Issue } from '../api/wire'
import { isOverdue } from '../keep/overdue'
import { categories } from '../keep/sync'
import { ago, t } from '../words'
import { categoryName, Deadline, StateBadge } from './bits'
import { KindIcon } from './icons'
import { Picture } from './picture'

const Row: FunctionComponent<{ issue: Issue; note?: string | undefined }> = ({ issue, note }) => {
  const photo = issue.photos.find((photo) => photo.state === 'stored')
  return (
    <Link href={`/app/issues/${issue.id}`} class={`item ${isOverdue(issue) ? 'late' : ''}`}>
      <span class="face">{photo ? <Picture id={photo.id} alt="" /> : <KindIcon code={issue.category} group={categories.value.get(issue.category)?.group} />}</span>
      <span><b>{categoryName(issue.category)}</b> {issue.place}</span>
      <span class="row"><StateBadge state={issue.state} outcome={issue.outcome} /><Deadline issue={issue} />{issue.evidence_missing && <span class="badge late">{t('lacks-photo')}</span>}{note && <span class="badge">{note}</span>}</span>
      <span class="small quiet">{issue.number} · {issue.cell?.name ?? '–'} · {ago(issue.created_at)}{issue.unit?.name ? ` · ${issue.unit.name}` : ''}</span>
    </Link>
  )
}
export const IssueRow = memo(Row)

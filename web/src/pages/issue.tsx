// One issue: what it is, what may be done, what was done.
import { CircleAlert, CloudUpload, Download, Ellipsis, Link2, MapPin, Navigation, Printer, QrCode } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link, useParams, useSearchParams } from 'wouter-preact'
import type { Issue, TimelineEntry } from '../api/wire'
import { useKept } from '../keep/kept'
import { own } from '../keep/sending'
import { inviter, office, roles } from '../keep/session'
import { cells, heardAt, issues, online, take } from '../keep/sync'
import { Age, categoryName, Deadline, Empty, ProblemBox, Sheet, StateBadge, stateName, Waiting } from '../parts/bits'
import { Compare, Photos } from '../parts/picture'
import { SmallMap } from '../parts/small-map'
import { Page } from '../shell'
import { ago, day, moment, t, word } from '../words'
import { Acting, atOnce, called, GRAVE, quickly, ranked, shownToAll } from '../parts/acting'
import { actOnce, isBusy } from '../parts/once'

export const IssuePage: FunctionComponent = () => {
  const { id = '' } = useParams<{ id: string }>()
  const answer = useKept<Issue>(`/v1/issues/${id}`)
  useEffect(() => {
    if (answer.fresh && answer.body) void take([answer.body], [])
  }, [answer.fresh, answer.body])
  const known = issues.value.get(id) ?? [...issues.value.values()].find((other) => other.number === id)
  const issue = known ?? answer.body
  const { problem } = answer
  if (!issue) {
    const entry = own.value.find((entry) => entry.issue === id)
    return (
      <Page title={t('issue')} back="/">
        {entry ? <Empty title={t('still-here')}><p>{entry.kind === 'report' ? categoryName(entry.name) : ''}</p></Empty> : problem ? <ProblemBox problem={problem} /> : <Waiting />}
      </Page>
    )
  }
  return <Shown issue={issue} />
}

const Shown: FunctionComponent<{ issue: Issue }> = ({ issue }) => {
  const [search, setSearch] = useSearchParams()
  // Led here to go on with a form that was begun: it opens, while that may still be done.
  const begun = search.get('act')
  const [acting, setActing] = useState<string | null>(begun !== null && issue.actions.includes(begun) ? begun : null)
  const close = () => {
    setActing(null)
    if (begun !== null) setSearch({}, { replace: true })
  }
  const [more, setMore] = useState(false)
  const timeline = useKept<{ items: TimelineEntry[] }>(`/v1/issues/${issue.id}/timeline?limit=200`, issue.version)
  const queued = own.value.filter((entry) => entry.kind === 'action' && entry.issue === issue.id)
  const before = issue.photos.find((photo) => photo.kind === 'before' && photo.state === 'stored')
  const after = [...issue.photos].reverse().find((photo) => photo.kind === 'after' && photo.state === 'stored')
  const actions = ranked(issue)
  const busy = isBusy(issue)
  const act = (name: string) => {
    setMore(false)
    if (atOnce(issue, name)) void actOnce(issue, () => quickly(issue, name))
    else setActing(name)
  }
  const { lat, lon } = issue.position
  const papers = office.value || roles.value.has('leader')
  return (
    <Page title={`${categoryName(issue.category)} ${issue.number}`} back={office.value ? '/app/issues' : '/'}>
      <section class="card" aria-label={t('issue')}>
        <p class="row"><StateBadge state={issue.state} outcome={issue.outcome} /><Deadline issue={issue} />{issue.evidence_missing && <span class="badge late">{t('lacks-photo')}</span>}{issue.recurrences > 0 && <span class="badge late">{t('came-back', { n: issue.recurrences })}</span>}{issue.reports > 1 && <span class="badge">{t('reports-n', { n: issue.reports })}</span>}</p>
        {issue.note && <p>{issue.note}</p>}
        <p><MapPin class="icon" aria-hidden="true" /> {[issue.area?.name, issue.cell?.name, issue.place].filter(Boolean).join(' · ') || t('outside-cells')}</p>
        <dl class="facts">
          <dt>{t('found')}</dt><dd>{moment(issue.created_at)} ({ago(issue.created_at)})</dd>
          {issue.unit && <><dt>{t('unit')}</dt><dd>{issue.unit.name}{issue.assignee?.name ? ` · ${issue.assignee.name}` : ''}</dd></>}
          {!issue.unit && issue.assignee && <><dt>{t('assignee')}</dt><dd>{issue.assignee.name ?? t('somebody')}</dd></>}
          {issue.handover && <><dt>{t('handed-to')}</dt><dd>{t('reply-due', { name: issue.handover.authority, at: day(issue.handover.reply_by) })}</dd></>}
          {issue.first_deadline && <><dt>{t('first-deadline')}</dt><dd>{t('extended-n', { at: moment(issue.first_deadline), n: issue.extensions })}</dd></>}
          {issue.extension_until && <><dt>{t('asked-until')}</dt><dd>{moment(issue.extension_until)}</dd></>}
          {issue.premises && <><dt>{t('premises')}</dt><dd>{issue.premises.name ?? t('somebody')}</dd></>}
          {issue.closed_at && <><dt>{stateName(issue.state, issue.outcome)}</dt><dd>{moment(issue.closed_at)}</dd></>}
        </dl>
        {issue.recurrence_of && <Link href={`/app/issues/${issue.recurrence_of}`}><Link2 class="icon" aria-hidden="true" /> {t('earlier-one')}</Link>}
        {issue.merged_into && <Link href={`/app/issues/${issue.merged_into}`}><Link2 class="icon" aria-hidden="true" /> {t('merged-into')}</Link>}
      </section>

      {queued.map((entry) => (
        <p key={entry.id} class={entry.state === 'refused' ? 'problem' : 'card'} role="status">
          <span>{entry.state === 'refused' ? <CircleAlert class="icon" aria-hidden="true" /> : <CloudUpload class="icon" aria-hidden="true" />} {t('queued-action', { action: word('action', entry.name) })} {entry.problem?.detail}</span>
          {entry.state === 'refused' && <Link href="/app/outbox">{t('look')}</Link>}
        </p>
      ))}
      {!online.value && heardAt.value && <p class="small quiet">{t('as-of', { at: moment(new Date(heardAt.value)) })}</p>}

      {before && after && <Compare before={before.id} after={after.id} />}
      {issue.evidence_missing && <p class="card" role="status">{t('lacks-photo-words')}</p>}
      {issue.photos.length > 0 && <section class="card" aria-label={t('photos')}><h2>{t('photos')}</h2><Photos photos={issue.photos} /></section>}

      <section class="card" aria-label={t('place')}>
        <SmallMap at={issue.position} cells={cells.value} label={t('map')} />
        <div class="row no-print">
          <a class="button small" href={`geo:${lat},${lon}?q=${lat},${lon}`}><Navigation class="icon" aria-hidden="true" />{t('route')}</a>
          <Link class="button small" href={`/app/map?at=${lat.toFixed(5)},${lon.toFixed(5)},17`}><MapPin class="icon" aria-hidden="true" />{t('on-the-map')}</Link>
          {papers ? (
            <>
              <a class="button small" href={`/v1/issues/${issue.id}/dossier.html`} target="_blank" rel="noopener"><Printer class="icon" aria-hidden="true" />{t('dossier')}</a>
              <a class="button small" href={`/v1/issues/${issue.id}/dossier.docx`} download aria-label={`${t('dossier')} Word`}><Download class="icon" aria-hidden="true" />Word</a>
            </>
          ) : <button class="button small" onClick={() => print()}><Printer class="icon" aria-hidden="true" />{t('print')}</button>}
          {shownToAll(issue) && <a class="button small" href={`/v1/issues/${issue.id}/poster.html`} target="_blank" rel="noopener"><QrCode class="icon" aria-hidden="true" />{t('poster')}</a>}
        </div>
      </section>

      <section class="card" aria-label={t('timeline')}>
        <h2>{t('timeline')}</h2>
        <Age kept={timeline} />
        <ol class="timeline">{timeline.body?.items.map((entry) => <Happened key={`${entry.version}-${entry.action}`} entry={entry} issue={issue.id} />)}</ol>
      </section>

      {actions.length > 0 && (
        <div class="acts" role="group" aria-label={t('actions')}>
          {actions.slice(0, 2).map((name, n) => <button key={name} class={`button ${n === 0 ? 'first' : ''} ${GRAVE.has(name) && n > 0 ? 'grave' : ''}`} data-action={name} disabled={busy} onClick={() => act(name)}>{called(issue, name)}</button>)}
          {actions.length > 2 && <button class="button" aria-label={t('more-actions')} disabled={busy} onClick={() => setMore(true)}><Ellipsis class="icon" aria-hidden="true" /></button>}
        </div>
      )}
      {more && (
        <Sheet title={t('actions')} onClose={() => setMore(false)}>
          {actions.slice(2).map((name) => <button key={name} class={`button ${GRAVE.has(name) ? 'grave' : ''}`} data-action={name} disabled={busy} onClick={() => act(name)}>{called(issue, name)}</button>)}
          <button class="button" onClick={() => setMore(false)}>{t('close')}</button>
        </Sheet>
      )}
      {acting && <Acting issue={issue} action={acting} onClose={close} />}
    </Page>
  )
}

const Happened: FunctionComponent<{ entry: TimelineEntry; issue: string }> = ({ entry, issue }) => {
  const data = entry.data as Record<string, unknown>
  const words = ['reason', 'note', 'authority'].map((name) => data[name]).filter((value): value is string => typeof value === 'string' && value !== '')
  const until = data['deadline'] ?? data['reply_by']
  const before = data['extended_from']
  return (
    <li>
      <b>{word('action', entry.action)}</b>{entry.to && entry.to !== entry.from && <> → <StateBadge state={entry.to} outcome={entry.action === 'close_unresolved' ? 'unresolved' : null} /></>}
      <div class="small quiet">{moment(entry.at)}{entry.by.name ? ` · ${entry.by.name}` : ''}{entry.by.as ? ` · ${word('as', entry.by.as)}` : ''}</div>
      {words.map((text) => <p key={text}>{text}</p>)}
      {typeof data['reason_code'] === 'string' && <p>{word('reason', data['reason_code'])}</p>}
      {typeof until === 'string' && <p class="small">{t('until', { at: moment(until) })}{typeof before === 'string' && ` · ${t('extended-from', { at: moment(before) })}`}</p>}
      {entry.action === 'hand_over' && inviter.value && (
        <p class="row no-print">{(['html', 'docx'] as const).map((form) => <a key={form} class="button small" href={`/v1/issues/${issue}/handover-letter.${form}?handover=${entry.version}`} {...(form === 'html' ? { target: '_blank', rel: 'noopener' } : { download: '', 'aria-label': `${t('letter')} Word` })}>{form === 'html' ? t('letter') : 'Word'}</a>)}</p>
      )}
    </li>
  )
}

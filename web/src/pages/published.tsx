// For everybody: what is published, without names, and what became of one issue.
import type { FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import { Link, useLocation, useParams, useSearchParams } from 'wouter-preact'
import { get } from '../api/http'
import type { Group, Page as PageOf, PublicIssue } from '../api/wire'
import { usePages } from '../keep/asking'
import { fetchKept } from '../keep/kept'
import { phase } from '../keep/session'
import { categories, groups } from '../keep/sync'
import { categoryName, Empty, ProblemBox, StateBadge, stateName, told, Waiting } from '../parts/bits'
import { Growing } from '../parts/growing'
import { KindIcon } from '../parts/icons'
import { LanguageChoice } from '../parts/language-choice'
import { IssueMap } from '../parts/lazy-map'
import { SmallMap } from '../parts/small-map'
import { Page } from '../shell'
import { day, t } from '../words'

const useCatalogue = () => useEffect(() => {
  if (groups.value.length === 0) void fetchKept<{ items: Group[] }>('/v1/categories').then((found) => (groups.value = found.items), () => {})
}, [])

/** Everybody is told days, not hours. */
const Due: FunctionComponent<{ issue: PublicIssue }> = ({ issue }) =>
  issue.overdue ? <span class="badge late">{t('overdue')}</span> : issue.due_on && !issue.closed_on ? <span class="small quiet">{t('due', { at: day(issue.due_on) })}</span> : null

const Lookup: FunctionComponent = () => {
  const [, go] = useLocation()
  const submit = (event: Event) => {
    event.preventDefault()
    const number = String(new FormData(event.currentTarget as HTMLFormElement).get('number')).trim()
    if (number) go(`/see/${encodeURIComponent(number)}`)
  }
  return (
    <form class="row" onSubmit={submit}>
      <label class="grow"><span class="hidden">{t('number')}</span><input type="text" name="number" inputMode="numeric" required placeholder="2026-000123" pattern="\d{4}-\d{6,12}" title="2026-000123" /></label>
      <button class="button first">{t('look-up')}</button>
    </form>
  )
}

export const PublishedPage: FunctionComponent = () => {
  useCatalogue()
  const [search, setSearch] = useSearchParams()
  const show = search.get('show') === 'closed' ? 'closed' : 'open'
  const pages = usePages(
    show,
    (asked, cursor) => {
      const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
      return get<PageOf<PublicIssue>>(`/v1/public/issues?open=${asked === 'open'}&limit=50${from}`)
    },
    told,
  )
  const { items, next, problem } = pages
  // Where the office publishes nothing, that is told, rather than that nothing was found.
  const closed = problem !== null && problem !== 'unreachable' && problem.status === 404
  return (
    <Page title={t('published')} {...(phase.value === 'in' ? { back: '/' } : {})} wide>
      {closed ? <Empty title={t('not-published')} /> : (
        <>
          <section class="card"><h2>{t('what-became')}</h2><Lookup /></section>
          <ProblemBox problem={problem} />
          <div class="beside">
            <IssueMap published />
            <div class="items">
              <div class="row" role="group" aria-label={t('filter')}>{(['open', 'closed'] as const).map((name) => <button key={name} class="button small" aria-pressed={show === name} onClick={() => setSearch({ show: name })}>{name === 'open' ? t('open-now') : t('closed-lately')}</button>)}</div>
              {items === null ? (problem ? null : <Waiting />) : items.length === 0 ? <Empty title={t('nothing-found')} /> : (
                <Growing items={items} keyOf={(issue) => issue.number} row={(issue) => (
                    <Link href={`/see/${issue.number}`} class="item">
                      <span class="face"><KindIcon code={issue.category} group={categories.value.get(issue.category)?.group} /></span>
                      <span><b>{categoryName(issue.category)}</b> {issue.place}</span>
                      <span class="row"><StateBadge state={issue.state} outcome={issue.outcome} /><Due issue={issue} /></span>
                      <span class="small quiet">{issue.number} · {issue.cell ?? issue.area ?? ''} · {day(issue.found_on)}</span>
                    </Link>
                )} />
              )}
              {next && <button class="button" disabled={pages.busy} onClick={pages.more}>{t('next-page')}</button>}
            </div>
          </div>
        </>
      )}
      {phase.value === 'out' && <div class="row"><Link href="/" class="button">{t('sign-in')}</Link><LanguageChoice /></div>}
    </Page>
  )
}

export const SeePage: FunctionComponent = () => {
  useCatalogue()
  const { number = '' } = useParams<{ number: string }>()
  // One issue is a list of one: its answer is never taken for another's.
  const pages = usePages(
    number,
    async (asked) => {
      const found = await get<PublicIssue>(`/v1/public/issues/${encodeURIComponent(asked)}`)
      return { items: [found], next_cursor: null }
    },
    told,
  )
  const { problem } = pages
  const issue = pages.items?.[0] ?? null
  const notThere = problem !== null && problem !== 'unreachable' && (problem.status === 404 || problem.status === 422)
  return (
    <Page title={t('what-became')} back="/public">
      <Lookup />
      {notThere ? <Empty title={t('no-such-number', { number })}><p>{t('no-such-number-more')}</p></Empty> : <ProblemBox problem={problem} />}
      {!issue && !problem && <Waiting />}
      {issue && (
        <>
          <section class="card">
            <h2>{categoryName(issue.category)} · {issue.number}</h2>
            {issue.merged_from && <p class="small quiet">{t('merged-from', { number: issue.merged_from })}</p>}
            <p class="row"><StateBadge state={issue.state} outcome={issue.outcome} /><Due issue={issue} />{issue.recurrences > 0 && <span class="badge late">{t('came-back', { n: issue.recurrences })}</span>}</p>
            <p>{[issue.area, issue.cell, issue.place].filter(Boolean).join(' · ')}</p>
            <SmallMap at={issue.position} cells={[]} label={t('map')} />
          </section>
          <section class="card"><h2>{t('timeline')}</h2>
            <ol class="timeline">{issue.steps.map((step, n) => <li key={n}><b>{stateName(step.state, step.outcome)}</b><div class="small quiet">{day(step.on)}</div></li>)}</ol></section>
        </>
      )}
    </Page>
  )
}

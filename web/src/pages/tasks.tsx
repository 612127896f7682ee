// A unit's tasks, by deadline, and a round through them.
import { Map as MapIcon, Route } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link, useSearchParams } from 'wouter-preact'
import type { Issue } from '../api/wire'
import { located, locate } from '../keep/locating'
import { me, myUnits } from '../keep/session'
import { issues } from '../keep/sync'
import { Acting, QUICK, quickly, ranked } from '../parts/acting'
import { Empty } from '../parts/bits'
import { Growing } from '../parts/growing'
import { distance, type Spot } from '../parts/geo'
import { IssueRow } from '../parts/issue-row'
import { actOnce, isBusy } from '../parts/once'
import { Page } from '../shell'
import { metres, t, word } from '../words'

/** From where one stands always to the nearest that is left: a good round, if not the shortest. */
export function round(from: Spot | null, tasks: readonly Issue[]): Issue[] {
  const left = [...tasks]
  const way: Issue[] = []
  let at = from ?? left[0]?.position ?? null
  while (left.length && at) {
    const here = at
    let best = 0
    for (let i = 1; i < left.length; i++) if (distance(here, left[i]!.position) < distance(here, left[best]!.position)) best = i
    const [next] = left.splice(best, 1)
    way.push(next!)
    at = next!.position
  }
  return way
}

export const TasksPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [acting, setActing] = useState<{ issue: Issue; action: string } | null>(null)
  const order = search.get('order') === 'way' ? 'way' : 'deadline'
  useEffect(() => (order === 'way' ? locate() : undefined), [order])
  const units = new Set(myUnits.value)
  const tasks = [...issues.value.values()].filter((issue) => (units.has(issue.unit?.id ?? '') || issue.assignee?.id === me.value?.id) && ['assigned', 'in_progress'].includes(issue.state))
  const sorted = order === 'way' ? round(located.value.spot, tasks) : tasks.sort((a, b) => (a.deadline ?? '9').localeCompare(b.deadline ?? '9'))
  return (
    <Page title={t('tasks')}>
      <div class="row" role="group" aria-label={t('order')}>
        <button class="button small" aria-pressed={order === 'deadline'} onClick={() => setSearch({})}>{t('by-deadline')}</button>
        <button class="button small" aria-pressed={order === 'way'} onClick={() => setSearch({ order: 'way' })}><Route class="icon" aria-hidden="true" />{t('by-way')}</button>
        <Link class="button small" href="/app/map?tasks=1"><MapIcon class="icon" aria-hidden="true" />{t('way-on-map')}</Link>
      </div>
      {sorted.length === 0 ? <Empty title={t('tasks-empty')} /> : (
        <Growing items={sorted} keyOf={(issue) => issue.id} row={(issue) => (
          <div class="items">
            <IssueRow issue={issue} note={isBusy(issue) ? t('on-its-way') : located.value.spot && order === 'way' ? metres(distance(located.value.spot, issue.position)) : undefined} />
            {!isBusy(issue) && (
              <div class="row" role="group" aria-label={t('actions-for', { number: issue.number })}>
                {ranked(issue).filter((name) => name !== 'comment').slice(0, 3).map((name, n) => (
                  <button key={name} class={`button small ${n === 0 ? 'first' : ''}`} data-action={name} onClick={() => (QUICK.has(name) ? void actOnce(issue, () => quickly(issue, name)) : setActing({ issue, action: name }))}>{word('action', name)}</button>
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

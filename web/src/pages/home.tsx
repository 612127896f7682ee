// The first screen: one big button, and what wants this person's attention.
import { BadgeCheck, Camera, CloudUpload, Footprints, Heart, Image, PenLine } from 'lucide-preact'
import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link, useLocation } from 'wouter-preact'
import type { Problem } from '../api/http'
import { OPEN } from '../api/lifecycle'
import type { MyRecord } from '../api/wire'
import { useKept } from '../keep/kept'
import { begun, loadDraft } from '../keep/draft'
import { isOverdue } from '../keep/overdue'
import { usePulse } from '../keep/pulse'
import { own, waiting } from '../keep/sending'
import { me, myCells, myUnits, office, phase } from '../keep/session'
import { issues, mine } from '../keep/sync'
import { Empty, ProblemBox, told } from '../parts/bits'
import { Page } from '../shell'
import { t } from '../words'
import { takePhotos } from './report'

export const HomePage: FunctionComponent = () => {
  const [, go] = useLocation()
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  useEffect(() => void loadDraft(), [])

  const pick = async (event: JSX.TargetedEvent<HTMLInputElement>) => {
    const input = event.currentTarget
    if (!input.files?.length) return
    try {
      await takePhotos(input.files, 'before')
      go('/app/report')
    } catch (error) {
      setProblem(told(error))
    }
    input.value = ''
  }

  const thanks = useKept<MyRecord>('/v1/me/record', usePulse()).body?.thanks[0]
  const all = [...issues.value.values()]
  const toVerify = all.filter((issue) => issue.actions.includes('verify') && (mine.value.has(issue.id) || myCells.value.includes(issue.cell?.id ?? ''))).length
  const fresh = all.filter((issue) => issue.state === 'reported' && myCells.value.includes(issue.cell?.id ?? '')).length
  const late = all.filter((issue) => isOverdue(issue) && (myCells.value.includes(issue.cell?.id ?? '') || myUnits.value.includes(issue.unit?.id ?? ''))).length
  const tasks = all.filter((issue) => myUnits.value.includes(issue.unit?.id ?? '') && ['assigned', 'in_progress'].includes(issue.state)).length
  const open = all.filter((issue) => mine.value.has(issue.id) && OPEN.includes(issue.state)).length

  return (
    <Page title={me.value?.name ? t('hello', { name: me.value.name }) : 'GridPatrol'}>
      <label class="big">
        <Camera class="icon" aria-hidden="true" />{t('report')}<small>{t('report-hint')}</small>
        <input type="file" accept="image/*" capture="environment" onChange={pick} aria-label={t('report')} />
      </label>
      <div class="row">
        <label class="button grow"><Image class="icon" aria-hidden="true" />{t('choose-photo')}<input type="file" accept="image/*" multiple onChange={pick} /></label>
        <Link href="/app/report" class="button grow"><PenLine class="icon" aria-hidden="true" />{begun.value ? t('go-on-draft') : t('without-photo')}</Link>
      </div>
      <ProblemBox problem={problem} />
      {waiting.value > 0 && <Link href="/app/outbox" class="card row"><CloudUpload class="icon" aria-hidden="true" /><span class="grow">{own.value.length ? t('waiting-n', { n: own.value.length }) : t('waiting-photos')}</span></Link>}
      {phase.value === 'over' ? <Empty title={t('after-sign-in')} /> : <div class="figures">
        {myCells.value.length > 0 && <Figure to="/app/queue?show=new" n={fresh} word={t('to-accept')} />}
        {toVerify > 0 && <Figure to={myCells.value.length ? '/app/queue?show=verify' : '/app/mine?show=verify'} n={toVerify} word={t('to-verify')} />}
        {myUnits.value.length > 0 && <Figure to="/app/tasks" n={tasks} word={t('tasks')} />}
        {late > 0 && <Figure to={myUnits.value.length ? '/app/tasks' : '/app/queue?show=overdue'} n={late} word={t('overdue')} late />}
        <Figure to="/app/mine" n={open} word={t('mine-open')} />
      </div>}
      {(office.value || myUnits.value.length > 0) && (
        <nav class="row" aria-label={t('more-ways')}>
          <Link href="/app/mine" class="button grow"><BadgeCheck class="icon" aria-hidden="true" />{t('mine')}</Link>
          <Link href="/app/patrol" class="button grow"><Footprints class="icon" aria-hidden="true" />{t('patrol')}</Link>
        </nav>
      )}
      {myCells.value.length > 0 && <Link href="/app/mine" class="button"><BadgeCheck class="icon" aria-hidden="true" />{t('mine')}</Link>}
      {thanks && <Link href="/app/me" class="card"><span class="row"><Heart class="icon" aria-hidden="true" /><span class="grow">“{thanks.text}” <span class="small quiet">{thanks.by}</span></span></span></Link>}
    </Page>
  )
}

const Figure: FunctionComponent<{ to: string; n: number; word: string; late?: boolean }> = ({ to, n, word, late }) => (
  <Link href={to} class={`figure ${late ? 'late' : ''}`}><b>{n}</b>{word}</Link>
)

// The weekly meeting: the week on the wall, one sheet after the other. Keys, a tap on either half of the foot, or a presenter's clicker turn it.
import { ArrowLeft, ArrowRight, Maximize, X } from 'lucide-preact'
import type { ComponentChildren, FunctionComponent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useLocation, useSearchParams } from 'wouter-preact'
import type { Activity, Hotspots, Pictured, Weekly } from '../api/wire'
import { useKept } from '../keep/kept'
import { useArrival } from '../parts/arriving'
import { Age, categoryName, Waiting } from '../parts/bits'
import { homeArea } from '../parts/home-area'
import { IssueMap } from '../parts/lazy-map'
import { Picture } from '../parts/picture'
import { day, language, listed, t, word } from '../words'

interface Sheet {
  key: string
  title: string
  show: ComponentChildren
}

const Pair: FunctionComponent<{ of: Pictured }> = ({ of }) => (
  <div class="pair">
    <figure><Picture id={of.before} alt={t('before')} variant="screen" /><figcaption>{t('before')} · {day(of.found_at)}{of.before_doubts.length > 0 && ` · ${t('doubtful')}`}</figcaption></figure>
    {of.after ? <figure><Picture id={of.after} alt={t('after')} variant="screen" /><figcaption>{t('after')} · {day(of.mended_at!)}{of.after_doubts.length > 0 && ` · ${t('doubtful')}`}</figcaption></figure>
      : <p class="still">{word('state', of.state)}{of.recurrences > 0 && <><br />{t('came-back', { n: of.recurrences })}</>}</p>}
  </div>
)

function sheets(paper: Weekly, hotspots: Hotspots | null, activities: readonly Activity[]): Sheet[] {
  const pictured = paper.photographs ?? []
  const caption = (of: Pictured) => [of.place || of.cell, categoryName(of.category), of.number].filter(Boolean).join(' · ')
  return [
    { key: 'title', title: paper.title, show: <p class="lead">{paper.span}</p> },
    {
      key: 'map', title: t('hotspots'), show: (
        <div class="beside">
          <IssueMap tall hotspots={hotspots} />
          <ol>{hotspots?.features.slice(0, 6).map(({ id, properties: p }) => <li key={id}>{listed(p.cells.slice(0, 2).map((cell) => cell.name))}：{listed(p.categories.slice(0, 3).map((kind) => `${categoryName(kind.category)} ${kind.open}`))}</li>)}
            {hotspots?.features.length === 0 && <li>{t('no-hotspots')}</li>}</ol>
        </div>
      ),
    },
    ...paper.parts.map((part, n) => ({ key: `part-${n}`, title: part.title, show: <ol class="clauses">{part.clauses.map((clause, m) => <li key={m}>{clause.text}</li>)}</ol> })),
    ...pictured.map((of) => ({ key: of.id, title: caption(of), show: <Pair of={of} /> })),
    ...activities.flatMap((done) => done.photos.map((photo) => ({
      key: photo, title: [word('activity', done.kind), done.place, day(done.on_day)].filter(Boolean).join(' · '), show: <div class="pair"><figure><Picture id={photo} alt={word('activity', done.kind)} variant="screen" /></figure></div>,
    }))),
  ]
}

export const MeetingPage: FunctionComponent = () => {
  const [search] = useSearchParams()
  const [, go] = useLocation()
  const [at, setAt] = useState(0)
  const area = search.get('area') || homeArea()
  const written = search.get('language') === 'en' ? 'en' : search.get('language') === 'zh-CN' ? 'zh-CN' : language()
  const week = search.get('week')
  const kept = useKept<Weekly>(area ? `/v1/summaries/weekly.json?${new URLSearchParams({ area, language: written, photographs: 'true', ...(week ? { week } : {}) })}` : null)
  const hotspots = useKept<Hotspots>(area ? `/v1/hotspots?area=${area}` : null)
  const paper = kept.body
  const done = useKept<{ items: Activity[] }>(paper ? `/v1/activities?area=${area}&since=${paper.week}&until=${paper.until}` : null)
  const all = paper ? sheets(paper, hotspots.body, done.body?.items ?? []) : []
  const end = () => go(`/app/weekly?${search}`)
  // By how much, from wherever it is by then: a clicker is faster than a wall is drawn.
  const count = useRef(0)
  count.current = all.length
  const turn = (by: number) => setAt((now) => Math.max(0, Math.min(count.current - 1, now + by)))
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const inMap = (event.target as Element | null)?.closest?.('.maplibregl-map')
      if (event.key === 'Escape' && !document.fullscreenElement) end()
      else if (event.key === 'Home') turn(-count.current)
      else if (event.key === 'End') turn(count.current)
      else if (!inMap && (event.key === 'ArrowRight' || event.key === 'PageDown')) turn(1)
      else if (!inMap && (event.key === 'ArrowLeft' || event.key === 'PageUp')) turn(-1)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  })
  // Without the frame of other pages, which sees to that: the focus goes to the wall, and its title is said.
  const wall = useArrival(t('meeting'), '/app/meeting', false)
  const sheet = all[Math.min(at, all.length - 1)]
  return (
    <main class="meeting" lang={paper?.language} ref={wall} tabIndex={-1}>
      {sheet ? (
        <section key={sheet.key} aria-live="polite" class={sheet.key === 'title' ? 'first' : ''}>
          <h1>{sheet.title}</h1>
          {sheet.show}
        </section>
      ) : <section><h1>{t('meeting')}</h1><Age kept={kept} />{!kept.problem && <Waiting />}</section>}
      <nav class="row" aria-label={t('meeting')}>
        <button class="button" onClick={end}><X class="icon" aria-hidden="true" />{t('close')}</button>
        {document.fullscreenEnabled && <button class="button" aria-label={t('whole-screen')} onClick={() => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())}><Maximize class="icon" aria-hidden="true" /></button>}
        <span class="grow" role="status">{sheet ? `${at + 1} / ${all.length}` : ''}</span>
        <button class="button" disabled={at === 0} onClick={() => turn(-1)} aria-label={t('sheet-before')}><ArrowLeft class="icon" aria-hidden="true" /></button>
        <button class="button first" disabled={at >= all.length - 1} onClick={() => turn(1)} aria-label={t('sheet-after')}><ArrowRight class="icon" aria-hidden="true" /></button>
      </nav>
    </main>
  )
}

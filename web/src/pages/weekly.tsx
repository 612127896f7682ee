// The weekly summary: as it would be written, edited, issued, taken along as Word; and what was
// issued, version by version, to be read and corrected.
import { Download, Plus, Presentation, Printer, Trash } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useSearchParams } from 'wouter-preact'
import { call } from '../api/http'
import type { Weekly } from '../api/wire'
import { useKeptForm } from '../keep/forms'
import { useKept } from '../keep/kept'
import { roles } from '../keep/session'
import { places } from '../keep/sync'
import { Age, NoArea, ProblemBox, say } from '../parts/bits'
import { plusDays, today } from '../parts/dates'
import { Restored, useAttempt } from '../parts/form'
import { homeArea } from '../parts/home-area'
import { Page } from '../shell'
import { day, language, moment, t } from '../words'

export const WeeklyPage: FunctionComponent = () => {
  const [search, setSearch] = useSearchParams()
  const [beat, setBeat] = useState(0)
  const [pictures, setPictures] = useState(false)
  const { problem, busy, attempt } = useAttempt()
  const area = search.get('area') || homeArea()
  const written = search.get('language') === 'en' ? 'en' : search.get('language') === 'zh-CN' ? 'zh-CN' : language()
  const of = (name: string) => (search.get(name) ? { [name]: search.get(name)! } : {})
  const asked = new URLSearchParams({ ...(area ? { area } : {}), ...of('week'), ...of('version'), language: written })
  const kept = useKept<Weekly>(area ? `/v1/summaries/weekly.json?${asked}` : null, beat)
  const paper = kept.body
  const may = roles.value.has('staff') || roles.value.has('admin')
  const issued = paper?.issued ?? null
  // Only what was issued last is corrected.
  const correctable = may && issued !== null && issued.version === paper?.versions.at(-1)?.version
  const correcting = correctable && search.get('correct') === '1'
  const editing = may && paper !== null && (issued === null || correcting)
  // What was changed is kept for this paper alone; what was not is as the server has it.
  const draft = useKeptForm(editing ? `weekly:${paper.area.id}:${paper.week}:${paper.language}${correcting ? `:${issued.version}` : ''}` : null, `${t('weekly')} ${paper?.week ?? ''}`)
  const edited = editing ? ((draft.fields['parts'] as Weekly['parts'] | undefined) ?? null) : null
  const title = typeof draft.fields['title'] === 'string' ? draft.fields['title'] : (paper?.title ?? '')
  const parts = edited ?? paper?.parts ?? []
  const change = (part: number, clauses: Weekly['parts'][number]['clauses']) => draft.set({ parts: parts.map((old, n) => (n === part ? { ...old, clauses } : old)) })
  const reason = typeof draft.fields['reason'] === 'string' ? draft.fields['reason'] : ''
  const correction = correcting ? { corrects: issued.version, reason: reason.trim(), addressee: paper?.addressee ?? null, opening: paper?.opening ?? null } : {}
  const turn = (more: Record<string, string>) => setSearch({ ...(area ? { area } : {}), ...of('week'), language: written, ...more })
  const go = (week: string) => setSearch({ ...(area ? { area } : {}), week, language: written })
  const issue = () => {
    if (!paper || !confirm(t('issue-sure'))) return
    const clean = parts.map((part) => ({ ...part, clauses: part.clauses.filter((clause) => clause.text.trim()) }))
    void attempt(call('PUT', '/v1/summaries/weekly', { area: paper.area.id, week: paper.week, language: paper.language, title, parts: clean, ...correction }).then(draft.end), () => {
      say(t('issued'))
      if (correcting) turn({})
      setBeat(beat + 1)
    })
  }
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  return (
    <Page title={t('weekly')} back="/app/office">
      <div class="row no-print">
        {areas.length > 1 && <label class="grow"><span class="hidden">{t('area')}</span><select value={area ?? ''} onInput={(event) => setSearch({ area: event.currentTarget.value, language: written })}>{areas.map((place) => <option key={place.id} value={place.id}>{place.properties.name}</option>)}</select></label>}
        {paper && <button class="button small" onClick={() => go(plusDays(paper.week, -7))}>{t('week-before')}</button>}
        {paper && <button class="button small" disabled={plusDays(paper.week, 7) > today(paper.time_zone)} onClick={() => go(plusDays(paper.week, 7))}>{t('week-after')}</button>}
        {(['zh-CN', 'en'] as const).map((name) => <button key={name} lang={name} class="button small" aria-pressed={written === name} onClick={() => setSearch({ ...Object.fromEntries(asked), language: name })}>{name === 'en' ? 'English' : '中文'}</button>)}
      </div>
      {area ? <Age kept={kept} /> : <NoArea />}
      {paper && (
        <>
          <div class="row no-print">
            <span class={`badge ${paper.issued ? 'good' : 'wait'}`}>{paper.issued ? t('issued-by', { by: paper.issued.by, at: moment(paper.issued.at) }) : t('draft')}</span>
            <label class="check"><input type="checkbox" checked={pictures} onInput={(event) => setPictures(event.currentTarget.checked)} />{t('with-pictures')}</label>
            <a class="button small" href={`/v1/summaries/weekly.docx?${asked}${pictures ? '&photographs=true' : ''}`} download><Download class="icon" aria-hidden="true" />Word</a>
            <a class="button small" href={`/v1/summaries/weekly.html?${asked}${pictures ? '&photographs=true' : ''}`} target="_blank" rel="noopener"><Printer class="icon" aria-hidden="true" />{t('print')}</a>
            <Link class="button small" href={`/app/meeting?${asked}`}><Presentation class="icon" aria-hidden="true" />{t('meeting')}</Link>
          </div>
          {paper.versions.length > 1 && (
            <ul class="plain no-print" aria-label={t('versions')}>
              {paper.versions.map((one) => (
                <li key={one.version} class="row">
                  <button class="button small" aria-pressed={one.version === issued?.version} onClick={() => turn({ version: String(one.version) })}>{one.version === 1 ? t('issued-first') : t('corrected-n', { n: one.version - 1 })}</button>
                  <span class="small quiet">{t('issued-by', { by: one.by, at: moment(one.at) })} {one.reason}</span>
                </li>
              ))}
            </ul>
          )}
          {correctable && !correcting && <button class="button small no-print" onClick={() => turn({ correct: '1' })}>{t('correct-it')}</button>}
          {edited && <p class="small quiet no-print">{t('edited-kept')}</p>}
          <div class="no-print"><Restored kept={draft} /></div>
          <article class="card" lang={paper.language}>
            {editing ? <label class="field no-print"><span class="hidden">{t('title')}</span><input type="text" value={title} maxLength={100} onInput={(event) => draft.set({ title: event.currentTarget.value })} /></label> : <h2>{paper.title}</h2>}
            <p class="quiet">{paper.span}</p>
            {paper.addressee && <p>{paper.addressee}</p>}
            {paper.opening && <p>{paper.opening}</p>}
            {parts.map((part, p) => (
              <section key={part.title} aria-label={part.title}>
                <h2>{part.title}</h2>
                <ol class="items">
                  {part.clauses.map((clause, n) => (
                    <li key={n} class="row">
                      {editing ? (
                        <>
                          <label class="grow"><span class="hidden">{`${part.title} ${n + 1}`}</span>
                            <textarea rows={2} maxLength={2000} value={clause.text} onInput={(event) => change(p, part.clauses.map((old, m) => (m === n ? { ...old, text: event.currentTarget.value } : old)))} /></label>
                          <button class="button small" aria-label={t('drop-clause', { n: n + 1 })} onClick={() => change(p, part.clauses.filter((_, m) => m !== n))}><Trash class="icon" aria-hidden="true" /></button>
                        </>
                      ) : <span class="grow">{n + 1}. {clause.spans.length > 0 ? clause.spans.map((span, m) => (span.href ? <Link key={m} href={span.href}>{span.text}</Link> : span.text)) : clause.text}</span>}
                      {clause.href && <Link class="button small no-print" href={clause.href}>{t('look')}</Link>}
                    </li>
                  ))}
                </ol>
                {editing && <button class="button small no-print" onClick={() => change(p, [...part.clauses, { text: '', href: null, spans: [] }])}><Plus class="icon" aria-hidden="true" />{t('add-clause')}</button>}
              </section>
            ))}
            <p style={{ textAlign: 'right' }}>{paper.issuer ?? paper.area.name}<br />{day(paper.until)}</p>
          </article>
          <ProblemBox problem={problem} />
          {correcting && <label class="field no-print">{t('correct-why')}<input type="text" value={reason} maxLength={500} onInput={(event) => draft.set({ reason: event.currentTarget.value })} /></label>}
          {editing && <button class="button first no-print" disabled={busy || (correcting && !reason.trim())} onClick={issue}>{t('issue-it')}</button>}
        </>
      )}
    </Page>
  )
}

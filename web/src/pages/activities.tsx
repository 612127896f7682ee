// What was done beside issues: visits, questionnaires, leaflets, clean-ups, meetings. It feeds the weekly summary.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { useSearchParams } from 'wouter-preact'
import { call } from '../api/http'
import type { Activity } from '../api/wire'
import { useKept } from '../keep/kept'
import { uploadKept } from '../keep/outbox'
import { inviter, office } from '../keep/session'
import { Age, Empty, NoArea, ProblemBox, say } from '../parts/bits'
import { isDay, monday, plusDays, today } from '../parts/dates'
import { Form, FormPhotos, type Sent, useAttempt } from '../parts/form'
import { homeArea, zoneOf } from '../parts/home-area'
import { Picture } from '../parts/picture'
import { Page } from '../shell'
import { day, t, word } from '../words'

const KINDS = ['household_visit', 'questionnaire', 'leaflet', 'clean_up', 'meeting']

export const ActivitiesPage: FunctionComponent = () => {
  const [search] = useSearchParams()
  const [beat, setBeat] = useState(0)
  const [kind, setKind] = useState('household_visit')
  const { problem, busy, attempt } = useAttempt()
  const area = search.get('area') || homeArea()
  const now = today(zoneOf(area))
  const week = search.get('week')
  const since = monday(isDay(week) ? week : now)
  const until = plusDays(since, 6)
  const kept = useKept<{ items: Activity[] }>(area ? `/v1/activities?area=${area}&since=${since}&until=${until}` : null, beat)
  const send = async (form: FormData, { id, photos }: Sent) => {
    const number = (name: string) => Number(form.get(name) || 0)
    for (const photo of photos) await uploadKept(photo)
    return call('PUT', `/v1/activities/${id}`, {
      area, kind, on_day: form.get('on_day'), count: number('count') || 1, ...(kind === 'questionnaire' ? { collected: number('collected') } : {}), people: number('people'), place: form.get('place'), note: '', photos,
    })
  }
  const sent = (form: HTMLFormElement) => {
    form.reset()
    setBeat(beat + 1)
    say(t('saved'))
  }
  return (
    <Page title={t('activities')} back={office.value ? '/app/office' : '/'}>
      {inviter.value && (
        <Form keep={`activity:${area ?? ''}`} action={t('note-it')} title={t('activities')} send={send} onSent={sent}>
          <label class="field"><span>{t('kind')}</span><select name="kind" value={kind} onInput={(event) => setKind(event.currentTarget.value)}>{KINDS.map((name) => <option key={name} value={name}>{word('activity', name)}</option>)}</select></label>
          <div class="row">
            <label class="field grow"><span>{t('on-day')}</span><input type="date" name="on_day" required defaultValue={now} key={now} /></label>
            <label class="field grow"><span>{t('count')}</span><input type="number" name="count" min="1" max="1000000" required defaultValue="1" /></label>
            {kind === 'questionnaire' && <label class="field grow"><span>{t('collected')}</span><input type="number" name="collected" min="0" max="1000000" required defaultValue="0" /></label>}
            <label class="field grow"><span>{t('people-n')}</span><input type="number" name="people" min="0" max="100000" defaultValue="0" /></label>
          </div>
          <label class="field"><span>{t('place-words')}</span><input type="text" name="place" maxLength={200} /></label>
          <FormPhotos label={t('photos')} />
        </Form>
      )}
      <section class="card" aria-label={t('activities')}>
        <h2>{day(since)} – {day(until)}</h2>
        <ProblemBox problem={problem} />
        {area ? <Age kept={kept} /> : <NoArea />}
        {kept.body?.items.length === 0 && <Empty title={t('no-activities')} />}
        <ul class="items">
          {kept.body?.items.map((item) => (
            <li key={item.id} class="row apart">
              <span class="grow"><b>{word('activity', item.kind)}</b> {item.count}{item.collected !== null ? ` / ${item.collected}` : ''} {item.place}<br /><span class="small quiet">{day(item.on_day)} · {item.by}{item.people ? ` · ${t('people-told', { n: item.people })}` : ''}</span></span>
              {item.photos.length > 0 && <div class="strip" tabIndex={0} role="group" aria-label={t('photos')}>{item.photos.map((photo) => <span key={photo}><Picture id={photo} alt={t('photos')} /></span>)}</div>}
              {(item.own || office.value) && <button class="button small grave" disabled={busy} aria-label={t('drop-activity', { kind: word('activity', item.kind) })} onClick={() => void attempt(call('DELETE', `/v1/activities/${item.id}`), () => setBeat(beat + 1))}>{t('drop')}</button>}
            </li>
          ))}
        </ul>
      </section>
    </Page>
  )
}

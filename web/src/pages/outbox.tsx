// What waits on this phone, and how far it is.
import { CircleAlert, CloudUpload, LoaderCircle } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import type { Entry, Wait } from '../keep/database'
import { dropForm, type FormDraft, formDrafts, formsBeat } from '../keep/forms'
import { again, discard, dropPhoto, photoAgain } from '../keep/outbox'
import { cleared, left, own, photos, send, sending, trying } from '../keep/sending'
import { me } from '../keep/session'
import { categoryName, Empty, ProblemBox } from '../parts/bits'
import { Picture } from '../parts/picture'
import { Page } from '../shell'
import { clock, moment, t, word } from '../words'

export const entryName = (entry: Entry): string =>
  entry.kind === 'report' ? t('entry-report', { kind: categoryName(entry.name) }) : entry.kind === 'action' ? t('entry-action', { action: word('action', entry.name) }) : t('entry-patrol')

export const OutboxPage: FunctionComponent = () => {
  const mine = photos.value.filter((photo) => photo.account === me.value?.id)
  const total = mine.reduce((sum, photo) => sum + photo.blob.size, 0)
  const arrived = mine.reduce((sum, photo) => sum + photo.offset, 0)
  // A small picture is not nothing.
  const places = total < 1e6 ? 2 : 1
  const nothing = own.value.length + mine.length + left.value === 0
  return (
    <Page title={t('outbox')} back="/">
      <p class="quiet">{t('outbox-hint')}</p>
      {cleared.value > 0 && <p class="problem" role="alert">{t('store-cleared', { n: cleared.value })}</p>}
      {left.value > 0 && <p class="problem" role="alert"><span>{t('pictures-left', { n: left.value })}</span><Link class="button small" href="/app/report">{t('look')}</Link></p>}
      {nothing && cleared.value === 0 && <Empty title={t('outbox-empty')} />}
      {!nothing && <button class="button first" disabled={sending.value} onClick={() => void send('anything')}><CloudUpload class="icon" aria-hidden="true" />{sending.value ? t('sending') : t('send-now')}</button>}
      <ul class="items">
        {own.value.map((entry) => (
          <li key={entry.id} class="card">
            <div class="row apart"><b>{entryName(entry)}</b><EntryState entry={entry} /></div>
            <p class="small quiet">{moment(new Date(entry.made_at))}{entry.photos.length ? ` · ${t('photos-n', { n: entry.photos.length })}` : ''}</p>
            {entry.state === 'waiting' && <Waits of={entry} />}
            {entry.state === 'refused' && (
              <>
                <ProblemBox problem={entry.problem} />
                <div class="row">
                  {entry.issue && entry.kind === 'action' && <Link class="button small" href={`/app/issues/${entry.issue}`}>{t('see-issue')}</Link>}
                  <button class="button small" onClick={() => void again(entry, entry.problem?.status === 412).then(() => send())}>{entry.problem?.status === 412 ? t('do-anyway') : t('try-again')}</button>
                  <button class="button small grave" onClick={() => confirm(t('discard-sure')) && void discard(entry)}>{t('discard')}</button>
                </div>
              </>
            )}
          </li>
        ))}
      </ul>
      {mine.length > 0 && (
        <section class="card" aria-label={t('photos')}>
          <h2>{t('photos-n', { n: mine.length })}</h2>
          <progress value={arrived} max={total} aria-label={t('photos')} />
          <p class="small quiet" role="status">{t('progress', { done: (arrived / 1e6).toFixed(places), all: (total / 1e6).toFixed(places) })}</p>
          <div class="photos">
            {mine.map((photo) => (
              <span key={photo.id}>
                <Picture id={photo.id} alt="" here />
                {photo.state === 'waiting' && <Waits of={photo} />}
                {photo.state === 'refused' && (
                  <>
                    <ProblemBox problem={photo.problem} />
                    <div class="row">
                      <button class="button small" onClick={() => void photoAgain(photo.id).then(() => send())}>{t('try-again')}</button>
                      <button class="button small grave" onClick={() => confirm(t('discard-sure')) && void dropPhoto(photo.id)}>{t('discard')}</button>
                    </div>
                  </>
                )}
              </span>
            ))}
          </div>
        </section>
      )}
      <Begun />
    </Page>
  )
}

/** Why it was not taken yet, and when it is tried again. */
const Waits: FunctionComponent<{ of: { wait?: Wait | null } }> = ({ of: { wait } }) =>
  wait ? <p class="small quiet">{t(wait.by === 'line' ? 'not-reached-yet' : 'server-put-off', { at: clock(wait.until) })}</p> : null

/** Forms that were begun and not sent: nobody sends them but the person who fills them in. */
const Begun: FunctionComponent = () => {
  const [forms, setForms] = useState<{ key: string; draft: FormDraft }[]>([])
  useEffect(() => void formDrafts().then(setForms, () => {}), [formsBeat.value, me.value?.id])
  if (!forms.length) return null
  return (
    <section class="card" aria-label={t('forms-begun')}>
      <h2>{t('forms-begun')}</h2>
      <p class="small quiet">{t('forms-begun-hint')}</p>
      <ul class="items">
        {forms.map(({ key, draft }) => (
          <li key={key} class="row apart">
            <span class="grow"><b>{draft.title}</b><br /><span class="small quiet">{moment(new Date(draft.at))}{draft.photos.length ? ` · ${t('photos-n', { n: draft.photos.length })}` : ''}</span></span>
            <Link class="button small" href={draft.href}>{t('look')}</Link>
            <button class="button small grave" onClick={() => confirm(t('discard-sure')) && void dropForm(key)}>{t('discard')}</button>
          </li>
        ))}
      </ul>
    </section>
  )
}

const EntryState: FunctionComponent<{ entry: Entry }> = ({ entry }) =>
  entry.state === 'refused' ? <span class="badge late"><CircleAlert class="icon" aria-hidden="true" />{t('was-refused')}</span>
  : sending.value && (trying.value === null || trying.value === entry.id) ? <span class="badge calm"><LoaderCircle class="icon" aria-hidden="true" />{t('sending')}</span>
  : <span class="badge wait"><CloudUpload class="icon" aria-hidden="true" />{t('on-this-phone')}</span>

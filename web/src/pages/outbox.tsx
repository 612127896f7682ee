// What waits on this phone, and how far it is.
import { CircleAlert, CloudUpload, LoaderCircle } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { Link } from 'wouter-preact'
import type { Entry } from '../keep/database'
import { again, discard, dropPhoto } from '../keep/outbox'
import { own, photos, send, sending } from '../keep/sending'
import { me } from '../keep/session'
import { categoryName, Empty, ProblemBox } from '../parts/bits'
import { Picture } from '../parts/picture'
import { Page } from '../shell'
import { moment, t, word } from '../words'

export const entryName = (entry: Entry): string =>
  entry.kind === 'report' ? t('entry-report', { kind: categoryName(entry.name) }) : entry.kind === 'action' ? t('entry-action', { action: word('action', entry.name) }) : t('entry-patrol')

export const OutboxPage: FunctionComponent = () => {
  const mine = photos.value.filter((photo) => photo.account === me.value?.id)
  const total = mine.reduce((sum, photo) => sum + photo.blob.size, 0)
  const arrived = mine.reduce((sum, photo) => sum + photo.offset, 0)
  return (
    <Page title={t('outbox')} back="/">
      <p class="quiet">{t('outbox-hint')}</p>
      {own.value.length + mine.length === 0 && <Empty title={t('outbox-empty')} />}
      {own.value.length + mine.length > 0 && <button class="button first" disabled={sending.value} onClick={() => void send()}><CloudUpload class="icon" aria-hidden="true" />{sending.value ? t('sending') : t('send-now')}</button>}
      <ul class="items">
        {own.value.map((entry) => (
          <li key={entry.id} class="card">
            <div class="row apart"><b>{entryName(entry)}</b><EntryState entry={entry} /></div>
            <p class="small quiet">{moment(new Date(entry.made_at))}{entry.photos.length ? ` · ${t('photos-n', { n: entry.photos.length })}` : ''}</p>
            {entry.state === 'refused' && (
              <>
                <ProblemBox problem={entry.problem} />
                <div class="row">
                  {entry.issue && entry.kind === 'action' && <Link class="button small" href={`/app/issues/${entry.issue}`}>{t('see-issue')}</Link>}
                  <button class="button small" onClick={() => void again(entry, true).then(send)}>{entry.problem?.status === 412 ? t('do-anyway') : t('try-again')}</button>
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
          <p class="small quiet" role="status">{t('progress', { done: (arrived / 1e6).toFixed(1), all: (total / 1e6).toFixed(1) })}</p>
          <div class="photos">
            {mine.map((photo) => (
              <span key={photo.id}>
                <Picture id={photo.id} alt="" />
                {photo.state === 'refused' && (
                  <>
                    <ProblemBox problem={photo.problem} />
                    <button class="button small grave" onClick={() => void dropPhoto(photo.id)}>{t('discard')}</button>
                  </>
                )}
              </span>
            ))}
          </div>
        </section>
      )}
    </Page>
  )
}

const EntryState: FunctionComponent<{ entry: Entry }> = ({ entry }) =>
  entry.state === 'refused' ? <span class="badge late"><CircleAlert class="icon" aria-hidden="true" />{t('was-refused')}</span>
  : sending.value ? <span class="badge calm"><LoaderCircle class="icon" aria-hidden="true" />{t('sending')}</span>
  : <span class="badge wait"><CloudUpload class="icon" aria-hidden="true" />{t('on-this-phone')}</span>

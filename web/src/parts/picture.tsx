// Photographs: those that lie on the phone still, those of the server, and the two beside each other.
import { ImageOff } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Photo } from '../api/wire'
import { using } from '../keep/database'
import { store } from '../keep/room'
import { t } from '../words'
import { Sheet } from './bits'

/** The address of a photograph on this phone, or null when it is not (or no longer) here. */
export function useLocal(id: string): string | null | undefined {
  const [url, setUrl] = useState<string | null | undefined>(undefined)
  useEffect(() => {
    let made: string | null = null
    let gone = false
    using((db) => db.get('photos', id)).then(
      (photo) => {
        if (gone) return
        made = photo ? URL.createObjectURL(photo.blob) : null
        setUrl(made)
      },
      () => !gone && setUrl(null),
    )
    return () => {
      gone = true
      if (made) URL.revokeObjectURL(made)
    }
    // Looked for anew when the browser has closed the store: it may be gone.
  }, [id, store.value])
  return url
}

interface PictureProps {
  id: string
  alt: string
  variant?: 'thumb' | 'screen'
  /** It is on this phone or nowhere: of a form that was not sent. */
  here?: boolean
}

export const Picture: FunctionComponent<PictureProps> = ({ id, alt, variant = 'thumb', here = false }) => {
  const local = useLocal(id)
  // A photograph that has just arrived is made ready within seconds: it is asked for again.
  const [tries, setTries] = useState(0)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    if (!failed || tries >= 3) return
    const timer = setTimeout(() => {
      setTries(tries + 1)
      setFailed(false)
    }, 2500)
    return () => clearTimeout(timer)
  }, [failed, tries])
  if (local === undefined) return null
  if (here && (local === null || failed)) return <Gone />
  const source = local ?? `/v1/photos/${id}/${variant}`
  if (failed) return <span class="blank"><ImageOff class="icon" aria-hidden="true" />{t('photo-not-here')}</span>
  return <img key={tries} src={source} alt={alt} loading="lazy" decoding="async" onError={() => setFailed(true)} />
}

const Gone: FunctionComponent = () => (
  <span class="blank" role="img" aria-label={t('photo-gone')} title={t('photo-gone')}><ImageOff class="icon" aria-hidden="true" /></span>
)

const kindOf = (photo: Photo): string => (photo.kind === 'after' ? t('after') : photo.kind === 'scene' ? t('scene') : t('before'))

export const Photos: FunctionComponent<{ photos: Photo[] }> = ({ photos }) => {
  const [open, setOpen] = useState<Photo | null>(null)
  return (
    <>
      <div class="photos">
        {photos.map((photo, n) => (
          photo.state === 'stored' || photo.state === 'awaited' ? (
            <button key={photo.id} onClick={() => setOpen(photo)} aria-label={t('open-photo', { n: n + 1, kind: kindOf(photo) })}>
              <Picture id={photo.id} alt="" />
              <span class={`badge ${photo.doubts?.length ? 'wait' : photo.kind === 'after' ? 'good' : ''}`}>{kindOf(photo)}{photo.doubts?.length ? ` · ${t('doubtful')}` : ''}</span>
            </button>
          ) : <span key={photo.id} class="blank">{photo.state === 'refused' ? t('photo-refused') : t('photo-damaged')}</span>
        ))}
      </div>
      {open && (
        <Sheet title={kindOf(open)} onClose={() => setOpen(null)}>
          <Picture id={open.id} alt={kindOf(open)} variant="screen" />
          {open.doubts?.map((doubt) => <p class="badge wait" key={doubt}>{doubt === 'far' ? t('doubt-far') : t('doubt-old')}</p>)}
          <button class="button" onClick={() => setOpen(null)}>{t('close')}</button>
        </Sheet>
      )}
    </>
  )
}

/** Before and after, one over the other, with a slider between. */
export const Compare: FunctionComponent<{ before: string; after: string }> = ({ before, after }) => {
  const [at, setAt] = useState(50)
  return (
    <div class="compare">
      <Picture id={before} alt={t('before')} variant="screen" />
      <div class="over" style={{ clipPath: `inset(0 0 0 ${at}%)` }}><Picture id={after} alt={t('after')} variant="screen" /></div>
      <span class="badge" style={{ left: '0.5rem' }}>{t('before')}</span>
      <span class="badge good" style={{ right: '0.5rem' }}>{t('after')}</span>
      <input type="range" min="0" max="100" value={at} aria-label={t('compare')} onInput={(event) => setAt(Number(event.currentTarget.value))} />
    </div>
  )
}

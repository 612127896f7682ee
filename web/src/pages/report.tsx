// The report: photograph, place, kind, send.
import { Camera, Check, Image, MapPin, Send, X } from 'lucide-preact'
import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import type { Problem } from '../api/http'
import { OPEN } from '../api/lifecycle'
import type { Issue } from '../api/wire'
import {
  asEntry, addPhoto, beginDraft, BLANK, change, draft, draftKey, dropDraftPhoto, giveUp, loadDraft, type Placed, placed, placeFor, seenAt, type Draft,
} from '../keep/draft'
import { fact, setFact } from '../keep/database'
import { locate, located } from '../keep/locating'
import { deliver, type Delivery, left, send, sending } from '../keep/sending'
import { me } from '../keep/session'
import { categories, cells, groups, issues, online } from '../keep/sync'
import { categoryName, ProblemBox, say, StateBadge, told } from '../parts/bits'
import { cellAt, distance, middle } from '../parts/geo'
import { Unkept } from '../parts/form'
import { KindIcon } from '../parts/icons'
import { Picture } from '../parts/picture'
import { useOnce } from '../parts/once'
import { SmallMap } from '../parts/small-map'
import { Page } from '../shell'
import { ago, language, metres, moment, t } from '../words'

const RECENT = 'recent-categories'
/** From where on a photograph's place or time is not that of the phone. */
const APART_M = 50
const OLD_MS = 10 * 60_000
const VAGUE_M = 100

/** Take photographs into the draft, and what the first says of place and time. */
export async function takePhotos(files: FileList | null, as: 'before' | 'after'): Promise<void> {
  for (const file of files ?? []) {
    await addPhoto(file, as)
    if (as === 'after' || draft.value?.offer) continue
    const found = await import('../parts/exif').then((exif) => exif.taken(file), () => ({ spot: null, at: null }))
    if (found.spot || found.at) change({ offer: { spot: found.spot, at: found.at?.toISOString() ?? null } })
  }
}

/** How the place on the screen is known. */
function knownBy(position: Placed): string {
  if (position.by === 'hand') return t('by-hand')
  if (position.by === 'photo') return t('by-photo')
  if (position.by === 'cell') return t('by-cell')
  if (position.by === 'past') return t('by-past', { ago: ago(new Date(position.at ?? Date.now())) })
  return position.accuracy_m === null ? t('accuracy-unknown') : t('accuracy', { far: metres(position.accuracy_m) })
}

/** What is said of a report that was sent. */
function saidOf(delivery: Delivery): string {
  if (delivery.how === 'sent') return t('sent-at-once')
  if (delivery.how === 'pictures-wait') return t('sent-pictures-wait')
  return online.value && navigator.onLine ? t('saved-sending') : t('saved-here')
}

export const ReportPage: FunctionComponent = () => {
  const [, go] = useLocation()
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [recent, setRecent] = useState<string[]>([])
  const [all, setAll] = useState(false)
  const [missing, setMissing] = useState(false)

  const [loaded, setLoaded] = useState(false)
  useEffect(() => {
    void loadDraft().then(() => setLoaded(true))
    void fact<string[]>(RECENT).then((kept) => kept && setRecent(kept), () => {})
    return locate()
  }, [])

  // Whatever is known first, the draft or the place: the one takes the other as soon as both are.
  const here = located.value.spot
  useEffect(() => {
    if (!loaded && !draft.value) return
    // Also after another window has sent the one that was here.
    const present = beginDraft()
    const home = cells.value.find((cell) => me.value?.cells.some((mine) => mine.id === cell.id)) ?? cells.value[0]
    const place = placeFor(present, located.value, home ? middle(home) : null, Date.now())
    if (place) placed(place)
  }, [loaded, draft.value, located.value, cells.value])

  const now: Draft = draft.value ?? BLANK
  const position = now.position
  const cell = useMemo(() => (position ? cellAt(position, cells.value) : null), [position?.lat, position?.lon, cells.value])
  const near = useMemo(() => {
    if (!position) return []
    const found: { issue: Issue; m: number }[] = []
    for (const issue of issues.value.values()) {
      if (!OPEN.includes(issue.state)) continue
      const m = distance(position, issue.position)
      if (m < 300) found.push({ issue, m })
    }
    return found.sort((a, b) => a.m - b.m)
  }, [position?.lat, position?.lon, issues.value])
  const radius = now.category ? (categories.value.get(now.category)?.radius_m ?? 30) : 0
  const same = near.filter(({ issue, m }) => issue.category === now.category && m <= radius).slice(0, 3)

  const suggested = useMemo(() => {
    const count = new Map<string, number>()
    for (const { issue, m } of near) if (m < 150) count.set(issue.category, (count.get(issue.category) ?? 0) + 1)
    const byPlace = [...count].sort((a, b) => b[1] - a[1]).map(([code]) => code)
    const usual = ['litter', 'illegal_parking', 'street_vending', 'stairway_clutter', 'fly_posting', 'building_waste', 'non_motor_parking', 'fire_lane']
    const known = [...new Set([...recent.slice(0, 4), ...byPlace.slice(0, 4), ...usual, ...categories.value.keys()])].filter((code) => categories.value.get(code)?.active)
    const first = known.slice(0, 8)
    return now.category && !first.includes(now.category) ? [now.category, ...first.slice(0, 7)] : first
  }, [recent, near, now.category, categories.value])

  const pick = (as: 'before' | 'after') => async (event: JSX.TargetedEvent<HTMLInputElement>) => {
    const input = event.currentTarget
    setProblem(null)
    try {
      await takePhotos(input.files, as)
    } catch (error) {
      setProblem(told(error))
    }
    input.value = ''
  }

  const chosen = (code: string) => {
    change({ category: code, same_as: null })
    setAll(false)
    setMissing(false)
  }

  // A second tap may come before the button is drawn as it is by then.
  const { busy, run } = useOnce()
  const submit = async () => {
    if (!now.category || !position) {
      setMissing(true)
      document.getElementById(position ? 'kinds' : 'place')?.scrollIntoView({ block: 'center' })
      return
    }
    setProblem(null)
    let delivery: Delivery
    try {
      delivery = await deliver(asEntry(now), draftKey())
    } catch (error) {
      // Everything stays as it is on the screen.
      setProblem(told(error))
      return
    }
    void setFact(RECENT, [now.category, ...recent.filter((code) => code !== now.category)].slice(0, 8)).catch(() => {})
    if (delivery.how === 'pictures-left') {
      const still = delivery.left
      change({ arrived: true, photos: now.photos.filter((id) => still.includes(id)), after: still.find((id) => id === now.after) ?? null })
    } else {
      draft.value = null
      say(saidOf(delivery))
      go('/', { replace: true })
    }
    void send()
  }

  const needsAfter = now.mended && categories.value.get(now.category ?? '')?.needs.includes('after') && !now.after
  const { offer } = now
  const photoFar = offer?.spot && position && position.by !== 'photo' && distance(offer.spot, position) > APART_M ? offer.spot : null
  const seen = seenAt(now)
  const photoAt = offer?.at ? new Date(offer.at) : null
  const photoOld = photoAt && Math.abs(seen.getTime() - photoAt.getTime()) > OLD_MS ? photoAt : null
  const begunAgo = now.begun_at !== null && Date.now() - now.begun_at > OLD_MS
  // The report stays where it was begun; whoever walked on is asked, not followed.
  const walkedOn = here && position?.by === 'phone' && distance(here, position) > APART_M ? distance(here, position) : null
  const removePhoto = (id: string) => {
    change({ photos: now.photos.filter((other) => other !== id) })
    void dropDraftPhoto(id)
  }
  const discard = () => void giveUp().then(() => go('/', { replace: true }))
  if (now.arrived) return <Left draft={now} onRemove={removePhoto} onDone={discard} />

  return (
    <Page title={t('report')} back="/">
      <section class="card" aria-label={t('photos')}>
        <div class="strip">
          {now.photos.map((id, n) => (
            <div key={id}>
              <Picture id={id} alt={t('photo-n', { n: n + 1 })} here />
              <button aria-label={t('remove-photo', { n: n + 1 })} onClick={() => removePhoto(id)}><span><X class="icon" aria-hidden="true" /></span></button>
            </div>
          ))}
          <label class="button" title={t('take-photo')}><Camera class="icon" aria-hidden="true" /><span class="hidden">{t('take-photo')}</span><input type="file" accept="image/*" capture="environment" onChange={pick('before')} /></label>
          <label class="button" title={t('choose-photo')}><Image class="icon" aria-hidden="true" /><span class="hidden">{t('choose-photo')}</span><input type="file" accept="image/*" multiple onChange={pick('before')} /></label>
        </div>
        {photoFar && position && (
          <p class="row small"><span class="grow">{t('photo-elsewhere', { far: metres(distance(photoFar, position)) })}</span>
            <button class="button small" onClick={() => change({ position: { ...photoFar, accuracy_m: null, by: 'photo' } })}><MapPin class="icon" aria-hidden="true" />{t('use-photo-place')}</button></p>
        )}
        {photoOld && (
          <p class="row small"><span class="grow">{t('photo-earlier', { at: moment(photoOld) })}</span>
            <button class="button small" onClick={() => change({ observed_at: photoOld.toISOString() })}>{t('use-photo-time')}</button></p>
        )}
        {(now.observed_at || begunAgo) && (
          <p class="row small quiet"><span class="grow">{t('observed', { at: moment(seen) })}</span>
            <button class="button small" onClick={() => change({ observed_at: null, begun_at: Date.now() })}>{t('use-now')}</button></p>
        )}
      </section>

      <section class="card" id="place" aria-label={t('place')}>
        {position ? (
          <>
            <SmallMap at={position} accuracyM={position.accuracy_m} cells={cells.value} dots={near.map(({ issue }) => issue.position)} label={t('map-drag')}
              onMove={(spot) => change({ position: { ...spot, accuracy_m: null, by: 'hand' } })} />
            <p class="row apart small">
              <span><b>{cell ? cell.properties.name : cells.value.length ? t('outside-cells') : ''}</b> <span class="quiet">{knownBy(position)}</span></span>
              {here && (position.by !== 'phone' || walkedOn !== null) && <button class="button small" onClick={() => change({ position: { ...here, by: 'phone' } })}>{t('my-place')}</button>}
            </p>
            {walkedOn !== null && <p class="small" role="status">{t('walked-on', { far: metres(walkedOn) })}</p>}
            {position.by === 'phone' && (position.accuracy_m ?? 0) > VAGUE_M && <p class="small wrong">{t('vague', { far: metres(position.accuracy_m ?? 0) })}</p>}
          </>
        ) : here ? (
          <p class="row small" role="status"><span class="grow">{t('begun-elsewhere')}</span>
            <button class="button small" onClick={() => change({ position: { ...here, by: 'phone' } })}>{t('my-place')}</button></p>
        ) : <p role="status">{located.value.trouble ? t('no-cells-yet') : t('locating')}</p>}
        {located.value.trouble && <p class="small wrong">{located.value.trouble === 'denied' ? t('location-denied') : t('location-unknown')}</p>}
        {missing && !position && <p class="wrong" role="alert">{t('place-missing')}</p>}
      </section>

      <section class="card" id="kinds" aria-label={t('category')}>
        <h2>{t('what-is-it')}</h2>
        {missing && !now.category && <p class="wrong" role="alert">{t('category-missing')}</p>}
        {all ? groups.value.map((group) => (
          <fieldset key={group.code}>
            <legend class="small quiet">{group.name[language()]}</legend>
            <div class="kinds">{group.categories.filter((category) => category.active).map((category) => <Kind key={category.code} code={category.code} pressed={category.code === now.category} onPick={chosen} />)}</div>
          </fieldset>
        )) : <div class="kinds">{suggested.map((code) => <Kind key={code} code={code} pressed={code === now.category} onPick={chosen} />)}</div>}
        {groups.value.length === 0 && <p>{t('no-catalogue')}</p>}
        <button class="button" aria-expanded={all} onClick={() => setAll(!all)}>{all ? t('fewer-kinds') : t('all-kinds')}</button>
      </section>

      {same.length > 0 && (
        <section class="card" aria-label={t('same-as')}>
          <h2>{t('same-as')}</h2>
          {same.map(({ issue, m }) => (
            <button key={issue.id} class="button" aria-pressed={now.same_as === issue.id} onClick={() => change({ same_as: now.same_as === issue.id ? null : issue.id })}>
              {now.same_as === issue.id && <Check class="icon" aria-hidden="true" />}
              <span class="grow">{issue.place || issue.number} · {metres(m)} · {ago(issue.created_at)} <StateBadge state={issue.state} /></span>
            </button>
          ))}
        </section>
      )}

      <section class="card" aria-label={t('more-about')}>
        <label class="field"><span>{t('note')}</span><textarea rows={2} maxLength={4000} value={now.note} placeholder={t('note-hint')} onInput={(event) => change({ note: event.currentTarget.value })} /></label>
        <label class="field"><span>{t('place-words')}</span><input type="text" maxLength={200} value={now.place} placeholder={t('place-hint')} onInput={(event) => change({ place: event.currentTarget.value })} /></label>
        <label class="check"><input type="checkbox" checked={now.mended} onChange={(event) => change({ mended: event.currentTarget.checked })} />{t('mended')}</label>
        {now.mended && (
          <div class="row">
            {now.after && <div class="strip"><div><Picture id={now.after} alt={t('after')} here /></div></div>}
            <label class="button"><Camera class="icon" aria-hidden="true" />{now.after ? t('after-again') : t('take-after')}<input type="file" accept="image/*" capture="environment" onChange={pick('after')} /></label>
            {needsAfter && <p class="wrong small">{t('after-needed')}</p>}
          </div>
        )}
        <button class="button grave" onClick={discard}>{t('discard-draft')}</button>
      </section>

      <div class="send">
        <ProblemBox problem={problem} />
        <Unkept />
        <button class="button first" disabled={busy || Boolean(needsAfter)} onClick={() => void run(submit)}>
          <Send class="icon" aria-hidden="true" />{now.category ? t('send-kind', { kind: categoryName(now.category) }) : t('send')}
        </button>
      </div>
    </Page>
  )
}

const Kind: FunctionComponent<{ code: string; pressed: boolean; onPick: (code: string) => void }> = ({ code, pressed, onPick }) => (
  <button class="kind" aria-pressed={pressed} data-kind={code} onClick={() => onPick(code)}>
    <KindIcon code={code} group={categories.value.get(code)?.group} />{categoryName(code)}
  </button>
)

/** The words have arrived, the phone is full, and these photographs are in this draft alone: said, and sent again. */
const Left: FunctionComponent<{ draft: Draft; onRemove: (id: string) => void; onDone: () => void }> = ({ draft: present, onRemove, onDone }) => {
  const ids = [...present.photos, ...(present.after ? [present.after] : [])]
  const remove = (id: string) => {
    onRemove(id)
    if (present.after === id) change({ after: null })
    if (ids.length === 1) onDone()
  }
  return (
    <Page title={t('report')} back="/">
      <section class="card" aria-label={t('photos')}>
        <p class="wrong" role="alert">{t('pictures-left', { n: left.value })}</p>
        <div class="strip">
          {ids.map((id, n) => (
            <div key={id}>
              <Picture id={id} alt={t('photo-n', { n: n + 1 })} here />
              <button aria-label={t('remove-photo', { n: n + 1 })} onClick={() => remove(id)}><span><X class="icon" aria-hidden="true" /></span></button>
            </div>
          ))}
        </div>
      </section>
      <div class="send">
        <button class="button first" disabled={sending.value} onClick={() => void send('anything')}>
          <Send class="icon" aria-hidden="true" />{sending.value ? t('sending') : t('send-pictures')}
        </button>
      </div>
    </Page>
  )
}

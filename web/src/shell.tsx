// The frame of every screen: the bar, the ways about, and what must be told before anything else.
import { ArrowLeft, Bell, Camera, ClipboardList, CloudUpload, Footprints, LayoutDashboard, ListChecks, type LucideIcon, Map as MapIcon, RefreshCw, UserRound, Users, WifiOff } from 'lucide-preact'
import type { ComponentChildren, FunctionComponent, RefObject } from 'preact'
import { Link, useLocation } from 'wouter-preact'
import { clockSkewMs } from './keep/clock'
import { room, store } from './keep/room'
import { cleared, others, photos, refused, sending, waiting } from './keep/sending'
import { inviter, me, office, phase, roles } from './keep/session'
import { heardAt, online } from './keep/sync'
import { unread } from './keep/unread'
import { newer, takeNewer } from './keep/versions'
import { useArrival } from './parts/arriving'
import { type Key, moment, t } from './words'

interface Way {
  to: string
  key: Key
  Icon: LucideIcon
}

/** The ways about, by what somebody is; five at most on a phone. */
function ways(): Way[] {
  const all: Way[] = [{ to: '/', key: 'report', Icon: Camera }]
  if (office.value) all.push({ to: '/app/office', key: 'overview', Icon: LayoutDashboard }, { to: '/app/issues', key: 'issues', Icon: ClipboardList })
  else if (roles.value.has('leader')) all.push({ to: '/app/queue', key: 'queue', Icon: ListChecks })
  else if (roles.value.has('worker')) all.push({ to: '/app/tasks', key: 'tasks', Icon: ListChecks })
  else all.push({ to: '/app/mine', key: 'mine', Icon: ClipboardList })
  all.push({ to: '/app/map', key: 'map', Icon: MapIcon })
  if (!office.value && !roles.value.has('worker')) all.push({ to: '/app/patrol', key: 'patrol', Icon: Footprints })
  else if (inviter.value) all.push({ to: '/app/people', key: 'people', Icon: Users })
  all.push({ to: '/app/me', key: 'me', Icon: UserRound })
  return all
}

interface PageProps {
  title: string
  back?: string
  wide?: boolean
  /** It stands here only until the page itself is loaded. */
  passing?: boolean
  children: ComponentChildren
}

export const Page: FunctionComponent<PageProps> = ({ title, back, wide = false, passing = false, children }) => {
  const [path] = useLocation()
  const signedIn = me.value !== null
  const framed = signedIn && path !== '/app/report'
  const heading = useArrival(title, path, passing)
  return (
    <div class={framed ? 'framed' : ''}>
      <header class="bar">
        {back && <Link href={back} class="plain" aria-label={t('back')}><ArrowLeft class="icon" aria-hidden="true" /></Link>}
        <h1 ref={heading as RefObject<HTMLHeadingElement>} tabIndex={-1}>{title}</h1>
        {signedIn && !online.value && <span class="plain" title={t('offline')}><WifiOff class="icon" aria-hidden="true" /><span class="hidden">{t('offline')}</span></span>}
        {signedIn && waiting.value > 0 && (
          <Link href="/app/outbox" class="plain" aria-label={t('outbox-n', { n: waiting.value })}>
            {sending.value ? <RefreshCw class="icon" aria-hidden="true" /> : <CloudUpload class="icon" aria-hidden="true" />}<span class="count">{waiting.value}</span>
          </Link>
        )}
        {signedIn && (
          <Link href="/app/notices" class="plain" aria-label={unread.value ? t('notices-n', { n: unread.value }) : t('notices')}>
            <Bell class="icon" aria-hidden="true" />{unread.value > 0 && <span class="count">{unread.value > 99 ? '99+' : unread.value}</span>}
          </Link>
        )}
      </header>
      <Told />
      <main class={wide ? 'wide' : ''}>{children}</main>
      {framed && (
        <nav class="ways" aria-label={t('ways')}>
          {ways().map(({ to, key, Icon }) => (
            <Link key={to} href={to} aria-current={path === to || (to !== '/' && path.startsWith(`${to}/`)) ? 'page' : undefined}><Icon class="icon" aria-hidden="true" />{t(key)}</Link>
          ))}
        </nav>
      )}
    </div>
  )
}

/** What must be known: there is a newer client, the session is over, the phone is full, its clock is wrong, something was refused, there is no network. */
const Told: FunctionComponent = () => {
  const skew = clockSkewMs()
  const lost = photos.value.some((photo) => photo.state === 'refused' && photo.account === me.value?.id)
  return (
    <>
      {newer.value !== 'none' && (
        <div class="tell" role="status">
          <span class="grow">{newer.value === 'waits' ? t('newer-waits') : t('newer-taken')}</span>
          <button class="button small" onClick={takeNewer}>{t('reload')}</button>
        </div>
      )}
      {phase.value === 'over' && (
        <div class="tell bad" role="alert"><span class="grow">{waiting.value ? t('session-over-kept', { n: waiting.value }) : t('session-over')}</span><Link href="/app/sign-in" class="button small">{t('sign-in')}</Link></div>
      )}
      {store.value === 'newer' && <div class="tell bad" role="alert"><span class="grow">{t('store-newer')}</span><button class="button small" onClick={() => location.reload()}>{t('load-anew')}</button></div>}
      {store.value === 'blocked' && <div class="tell bad" role="alert">{t('store-blocked')}</div>}
      {cleared.value > 0 && <div class="tell bad" role="alert">{t('store-cleared', { n: cleared.value })}</div>}
      {room.value === 'none' && <div class="tell bad" role="alert">{t('no-store')}</div>}
      {room.value === 'little' && <div class="tell" role="status">{t('little-room')}</div>}
      {Math.abs(skew) > 300_000 && <div class="tell" role="status">{t('clock-wrong', { by: skew > 0 ? t('clock-behind') : t('clock-ahead'), n: Math.round(Math.abs(skew) / 60_000) })}</div>}
      {(refused.value.length > 0 || lost) && <div class="tell bad" role="alert"><span class="grow">{t('refused-n', { n: refused.value.length || 1 })}</span><Link href="/app/outbox" class="button small">{t('look')}</Link></div>}
      {others.value > 0 && phase.value === 'in' && <div class="tell" role="status">{t('others-wait', { n: others.value })}</div>}
      {phase.value === 'in' && !online.value && <div class="tell" role="status">{heardAt.value ? t('offline-since', { at: moment(new Date(heardAt.value)) }) : t('offline')}</div>}
    </>
  )
}

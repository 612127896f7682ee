// The start: language and look, then what the phone knows, then the server.
import './style/tokens.css'
import './style/base.css'
import { effect } from '@preact/signals'
import { type ComponentType, type FunctionComponent, render } from 'preact'
import { lazy, Suspense } from 'preact/compat'
import { Route, Switch } from 'wouter-preact'
import { lookForRoom } from './keep/room'
import { send, startSending } from './keep/sending'
import { phase, startSession } from './keep/session'
import { startSync, stopSync, wake } from './keep/sync'
import { startTheme } from './keep/theme'
import { countUnread } from './keep/unread'
import { HomePage } from './pages/home'
import { ReportPage } from './pages/report'
import { SignInPage } from './pages/sign-in'
import { ProblemBox, Toast, Waiting } from './parts/bits'
import { Page } from './shell'
import { language, speak, t } from './words'

// The report opens with what is here; everything else is fetched when it is first looked at, and by the service worker before.
function later<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M): FunctionComponent {
  const Loaded = lazy(() => load().then((made) => ({ default: made[name] as ComponentType }), () => ({ default: Unloaded })))
  return () => <Suspense fallback={<Page title="GridPatrol"><Waiting /></Page>}><Loaded /></Suspense>
}
const pages = {
  outbox: later(() => import('./pages/outbox'), 'OutboxPage'),
  mine: later(() => import('./pages/mine'), 'MinePage'),
  issue: later(() => import('./pages/issue'), 'IssuePage'),
  issues: later(() => import('./pages/issues'), 'IssuesPage'),
  queue: later(() => import('./pages/queue'), 'QueuePage'),
  tasks: later(() => import('./pages/tasks'), 'TasksPage'),
  map: later(() => import('./pages/map'), 'MapPage'),
  patrol: later(() => import('./pages/patrol'), 'PatrolPage'),
  coverage: later(() => import('./pages/coverage'), 'CoveragePage'),
  people: later(() => import('./pages/people'), 'PeoplePage'),
  notices: later(() => import('./pages/notices'), 'NoticesPage'),
  account: later(() => import('./pages/account'), 'AccountPage'),
  office: later(() => import('./pages/office'), 'OfficePage'),
  handovers: later(() => import('./pages/handovers'), 'HandoversPage'),
  spots: later(() => import('./pages/spots'), 'SpotsPage'),
  league: later(() => import('./pages/league'), 'LeaguePage'),
  activities: later(() => import('./pages/activities'), 'ActivitiesPage'),
  weekly: later(() => import('./pages/weekly'), 'WeeklyPage'),
  meeting: later(() => import('./pages/meeting'), 'MeetingPage'),
  catalogue: later(() => import('./pages/catalogue'), 'CataloguePage'),
  areas: later(() => import('./pages/areas'), 'AreasPage'),
  published: later(() => import('./pages/published'), 'PublishedPage'),
  see: later(() => import('./pages/published'), 'SeePage'),
  join: later(() => import('./pages/join'), 'JoinPage'),
}

const Unloaded: FunctionComponent = () => <Page title="GridPatrol" back="/"><ProblemBox problem="unreachable" /></Page>
const Nowhere: FunctionComponent = () => <Page title={t('nowhere')} back="/"><p class="empty">{t('nowhere-more')}</p></Page>

const App: FunctionComponent = () => {
  // Whoever is not signed in sees what is published, and the way in; his language decides what is said.
  const key = language()
  if (phase.value === 'starting') return <Page title="GridPatrol"><Waiting /></Page>
  return (
    <div key={key}>
      <Switch>
        <Route path="/public" component={pages.published} />
        <Route path="/see/:number" component={pages.see} />
        <Route path="/join/:code" component={pages.join} />
        {phase.value === 'out' ? <Route component={SignInPage} /> : (
          <Switch>
            <Route path="/" component={HomePage} />
            <Route path="/app/sign-in" component={SignInPage} />
            <Route path="/app/report" component={ReportPage} />
            <Route path="/app/outbox" component={pages.outbox} />
            <Route path="/app/mine" component={pages.mine} />
            <Route path="/app/issues" component={pages.issues} />
            <Route path="/app/issues/:id" component={pages.issue} />
            <Route path="/app/queue" component={pages.queue} />
            <Route path="/app/tasks" component={pages.tasks} />
            <Route path="/app/map" component={pages.map} />
            <Route path="/app/patrol" component={pages.patrol} />
            <Route path="/app/coverage" component={pages.coverage} />
            <Route path="/app/people" component={pages.people} />
            <Route path="/app/notices" component={pages.notices} />
            <Route path="/app/me" component={pages.account} />
            <Route path="/app/office" component={pages.office} />
            <Route path="/app/handovers" component={pages.handovers} />
            <Route path="/app/black-spots" component={pages.spots} />
            <Route path="/app/league" component={pages.league} />
            <Route path="/app/activities" component={pages.activities} />
            <Route path="/app/weekly" component={pages.weekly} />
            <Route path="/app/meeting" component={pages.meeting} />
            <Route path="/app/catalogue" component={pages.catalogue} />
            <Route path="/app/areas" component={pages.areas} />
            <Route component={Nowhere} />
          </Switch>
        )}
      </Switch>
      <Toast />
    </div>
  )
}

async function start(): Promise<void> {
  startTheme()
  speak(language())
  render(<App />, document.getElementById('app')!)
  void lookForRoom()
  await startSession()
  let before: string | null = null
  effect(() => {
    const now = phase.value
    if (now === before) return
    before = now
    if (now === 'out') stopSync()
    if (now === 'in' || now === 'over') void startSync().then(countUnread)
    if (now === 'in') void send()
  })
  startSending()
  const awake = () => {
    if (document.visibilityState === 'hidden') return
    wake()
    void send()
    void countUnread()
  }
  addEventListener('online', awake)
  // A newer version of the client was put in place, and a part of this one is no longer to be had: begin anew with that, once.
  addEventListener('vite:preloadError', () => {
    if (!navigator.onLine || Date.now() - Number(sessionStorage.getItem('begun-anew') ?? 0) < 60_000) return
    sessionStorage.setItem('begun-anew', String(Date.now()))
    location.reload()
  })
  document.addEventListener('visibilitychange', awake)
  // Installed for the next time; this visit does not wait for it.
  if ('serviceWorker' in navigator && import.meta.env.PROD) addEventListener('load', () => void navigator.serviceWorker.register('/sw.js').catch(() => {}))
  if (document.readyState === 'complete' && 'serviceWorker' in navigator && import.meta.env.PROD) void navigator.serviceWorker.register('/sw.js').catch(() => {})
}
void start()

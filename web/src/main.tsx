// The start: language and look, then what the phone knows, then the server.
import './style/tokens.css'
import './style/base.css'
import { effect } from '@preact/signals'
import { type ComponentType, type FunctionComponent, render } from 'preact'
import { Route, Switch, useLocation } from 'wouter-preact'
import { startConnection } from './keep/connection'
import { lookForRoom } from './keep/room'
import { send, startSending } from './keep/sending'
import { leaveForGood, me, phase, startSession } from './keep/session'
import { startSync, stopSync, wake } from './keep/sync'
import { startTheme } from './keep/theme'
import { startTicking } from './keep/ticking'
import { countUnread, unread } from './keep/unread'
import { startVersions } from './keep/versions'
import { HomePage } from './pages/home'
import { ReportPage } from './pages/report'
import { SignInPage } from './pages/sign-in'
import { Announcer } from './parts/announcing'
import { startArriving } from './parts/arriving'
import { say, Toast, Waiting } from './parts/bits'
import { Bare, Boundary, Broken } from './parts/boundary'
import { later as fetched } from './parts/later'
import { Page } from './shell'
import { language, speak, t } from './words'

// The report opens with what is here; everything else is fetched when it is first looked at, and by the service worker before.
function later<M extends Record<string, unknown>>(load: () => Promise<M>, name: keyof M): FunctionComponent {
  return fetched(() => load().then((made) => made[name] as ComponentType<object>), {
    waiting: () => <Page title="GridPatrol" passing><Waiting /></Page>,
    failed: ({ again, anew }) => (
      <Page title={t('not-loaded')} back="/">
        <p class="problem" role="alert">{anew ? t('not-loaded-anew') : t('not-loaded-more')}</p>
        <button class="button first" onClick={again}>{anew ? t('reload') : t('try-again')}</button>
      </Page>
    ),
  }) as FunctionComponent
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
  audit: later(() => import('./pages/audit'), 'AuditPage'),
  published: later(() => import('./pages/published'), 'PublishedPage'),
  see: later(() => import('./pages/published'), 'SeePage'),
  join: later(() => import('./pages/join'), 'JoinPage'),
  reset: later(() => import('./pages/reset'), 'ResetPage'),
}

const Nowhere: FunctionComponent = () => <Page title={t('nowhere')} back="/"><p class="empty">{t('nowhere-more')}</p></Page>

const Routes: FunctionComponent = () => {
  const [path] = useLocation()
  if (phase.value === 'starting') return <Page title="GridPatrol" passing><Waiting /></Page>
  return (
    <Boundary
      of={`${path} ${phase.value}`}
      shown={(error, again) => <Broken error={error} again={again} />}
    >
      <Switch>
        <Route path="/public" component={pages.published} />
        <Route path="/see/:number" component={pages.see} />
        <Route path="/join/:code" component={pages.join} />
        <Route path="/app/reset" component={pages.reset} />
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
            <Route path="/app/audit" component={pages.audit} />
            <Route component={Nowhere} />
          </Switch>
        )}
      </Switch>
    </Boundary>
  )
}

const App: FunctionComponent = () => (
  // Whoever is not signed in sees what is published, and the way in; their language decides what
  // is said.
  <Boundary of="" shown={(error) => <Bare error={error} />}>
    <div key={language()}><Routes /></div>
    <Toast />
    <Announcer />
  </Boundary>
)

/** Something went wrong outside of what draws the page: it is said, and the screen stays. */
function startTelling(): void {
  let told = 0
  const tell = (what: unknown) => {
    // Left by whoever asked for it, or a browser's own remark on its layout: neither is a failure.
    if (String(what).includes('ResizeObserver')) return
    if (what instanceof DOMException && what.name === 'AbortError') return
    if (Date.now() - told < 10_000) return
    told = Date.now()
    say(t('something-failed'))
  }
  addEventListener('error', (event) => tell(event.error ?? event.message))
  addEventListener('unhandledrejection', (event) => tell(event.reason))
}

async function start(): Promise<void> {
  startTheme()
  speak(language())
  startArriving()
  startTelling()
  startTicking()
  startConnection()
  render(<App />, document.getElementById('app')!)
  startVersions()
  void lookForRoom()
  await startSession()
  let before = ''
  let whose: string | undefined
  effect(() => {
    const [now, account] = [phase.value, me.value?.id]
    if (`${now} ${account}` === before) return
    before = `${now} ${account}`
    // What was read for one account is not the next one's, who may come without the former having
    // left.
    if (now === 'out' || account !== whose) {
      stopSync()
      unread.value = 0
    }
    whose = account
    if (now === 'in' || now === 'over') void startSync().then(countUnread)
    if (now === 'in') void send()
  })
  startSending()
  const awake = () => {
    if (document.visibilityState === 'hidden') return
    leaveForGood()
    wake()
    void send()
    void countUnread()
  }
  addEventListener('online', awake)
  document.addEventListener('visibilitychange', awake)
}
void start()

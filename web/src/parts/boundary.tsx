// What broke on one page leaves the rest standing: what happened is told, with ways on and details
// for whoever looks after the service.
import { Component, type ComponentChildren, type FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import { beginPage, dropUsed } from '../keep/kept'
import { forgetRead } from '../keep/session'
import { Page } from '../shell'
import { t } from '../words'
import { announce } from './announcing'

/** For who looks after the service: what and where, nothing of what people wrote. */
export function detailsOf(error: unknown): string {
  const found = error instanceof Error ? error : new Error(String(error))
  return [
    `${found.name}: ${found.message}`,
    [location.pathname, new Date().toISOString(), navigator.language].join(' · '),
    navigator.onLine ? 'online' : 'offline',
    navigator.userAgent,
    found.stack ?? '',
  ].join('\n')
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    announce(t('copied'))
  } catch {
    // Not allowed here, as on an address without https: then it is marked, for the person to copy.
    const shown = document.querySelector('[data-details]')
    if (shown) getSelection()?.selectAllChildren(shown)
  }
}

interface BrokenProps {
  error: unknown
  again: () => void
  title?: string
}

/** On a page of the frame, so that every way about stays open. */
export const Broken: FunctionComponent<BrokenProps> = ({ error, again }) => {
  const details = detailsOf(error)
  useEffect(() => announce(t('page-broken')), [])
  const anew = async () => {
    await forgetRead().catch(() => {})
    location.reload()
  }
  return (
    <Page title={t('page-broken')} back="/">
      <section class="problem" role="alert">
        <p>{t('page-broken-more')}</p>
        <details>
          <summary>{t('details')}</summary>
          <pre
            class="small"
            data-details
            style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
          >
            {details}
          </pre>
        </details>
      </section>
      <div class="row">
        <button class="button first" onClick={again}>
          {t('try-again')}
        </button>
        <a class="button" href="/">
          {t('go-home')}
        </a>
        <button class="button" onClick={() => void copy(details)}>
          {t('copy-details')}
        </button>
        <button class="button" onClick={() => void anew()}>
          {t('read-anew')}
        </button>
      </div>
      <p class="small quiet">{t('read-anew-hint')}</p>
    </Page>
  )
}

interface Props {
  /** Another of these is another page: what broke is left behind. */
  of: string
  shown: (error: unknown, again: () => void) => ComponentChildren
  children: ComponentChildren
}

interface State {
  error: unknown
  broken: boolean
  of: string
}

export class Boundary extends Component<Props, State> {
  override state: State = { error: null, broken: false, of: this.props.of }
  static override getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    if (props.of === state.of) return null
    beginPage()
    return { of: props.of, broken: false, error: null }
  }
  override componentDidCatch(error: unknown): void {
    void dropUsed()
    this.setState({ broken: true, error })
  }
  again = (): void => this.setState({ broken: false, error: null })
  override render() {
    return this.state.broken ? this.props.shown(this.state.error, this.again) : this.props.children
  }
}

/** Where the frame itself cannot be shown: nothing that could break again. */
export const Bare: FunctionComponent<{ error: unknown }> = ({ error }) => (
  <main>
    <h1>GridPatrol</h1>
    <p role="alert">{t('page-broken-more')}</p>
    <pre data-details style={{ whiteSpace: 'pre-wrap' }}>
      {detailsOf(error)}
    </pre>
    <p>
      <a href="/">{t('go-home')}</a>{' '}
      <button
        onClick={() =>
          void forgetRead()
            .catch(() => {})
            .then(() => location.reload())
        }
      >
        {t('read-anew')}
      </button>
    </p>
  </main>
)

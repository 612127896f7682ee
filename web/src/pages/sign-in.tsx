import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useLocation } from 'wouter-preact'
import type { Problem } from '../api/http'
import { phase, signIn } from '../keep/session'
import { waiting } from '../keep/sending'
import { ProblemBox, told } from '../parts/bits'
import { LanguageChoice } from '../parts/language-choice'
import { Page } from '../shell'
import { t } from '../words'

export const SignInPage: FunctionComponent = () => {
  const [path, go] = useLocation()
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    setBusy(true)
    setProblem(null)
    try {
      await signIn(String(form.get('account')), String(form.get('password')))
      if (path === '/app/sign-in') go('/', { replace: true })
    } catch (error) {
      setProblem(told(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Page title={t('app-name')}>
      <form class="card" onSubmit={submit}>
        <h2>{t('sign-in')}</h2>
        {phase.value === 'over' && waiting.value > 0 && <p>{t('session-over-kept', { n: waiting.value })}</p>}
        <label class="field"><span>{t('account')}</span><input type="text" name="account" autocomplete="username" autocapitalize="none" spellcheck={false} required /></label>
        <label class="field"><span>{t('password')}</span><input type="password" name="password" autocomplete="current-password" required /></label>
        <ProblemBox problem={problem} />
        <button class="button first" disabled={busy}>{t('sign-in')}</button>
        <p class="quiet small">{t('invited-hint')}</p>
      </form>
      <Link href="/public" class="button">{t('see-published')}</Link>
      <LanguageChoice />
    </Page>
  )
}

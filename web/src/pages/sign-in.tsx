import type { FunctionComponent } from 'preact'
import { Link, useLocation } from 'wouter-preact'
import { ended, phase, signIn } from '../keep/session'
import { waiting } from '../keep/sending'
import { Form } from '../parts/form'
import { LanguageChoice } from '../parts/language-choice'
import { Page } from '../shell'
import { t } from '../words'

export const SignInPage: FunctionComponent = () => {
  const [path, go] = useLocation()
  return (
    <Page title={t('app-name')}>
      <Form keep={null} action={t('sign-in')} send={(form) => signIn(String(form.get('account')), String(form.get('password')))} onSent={() => path === '/app/sign-in' && go('/', { replace: true })}>
        <h2>{t('sign-in')}</h2>
        {phase.value === 'over' && waiting.value > 0 && <p>{t('session-over-kept', { n: waiting.value })}</p>}
        {ended.value && <p role="alert">{ended.value.why === 'account-closed' ? t('ended-account-closed') : t('ended-session-ended')}{ended.value.unsent > 0 && ` ${t('ended-unsent', { n: ended.value.unsent })}`}</p>}
        <label class="field"><span>{t('account')}</span><input type="text" name="account" autocomplete="username" autocapitalize="none" spellcheck={false} required /></label>
        <label class="field"><span>{t('password')}</span><input type="password" name="password" autocomplete="current-password" required /></label>
        <p class="quiet small">{t('invited-hint')}</p>
      </Form>
      <Link href="/public" class="button">{t('see-published')}</Link>
      <LanguageChoice />
    </Page>
  )
}

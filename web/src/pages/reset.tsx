// A link of the leader or the office: it sets account and password, once.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { resetWith } from '../keep/session'
import { Empty } from '../parts/bits'
import { Form } from '../parts/form'
import { LanguageChoice } from '../parts/language-choice'
import { Page } from '../shell'
import { t } from '../words'

export const ResetPage: FunctionComponent = () => {
  const [, go] = useLocation()
  // Behind the #, so that it is in no log; the address is left as soon as it was used.
  const [code] = useState(() => location.hash.slice(1))
  const send = (form: FormData) =>
    resetWith(code, String(form.get('account') ?? '').trim(), String(form.get('password')))
  return (
    <Page title={t('reset-title')}>
      {code === '' ? <Empty title={t('reset-open')} /> : (
        <Form keep={null} action={t('save')} send={send} onSent={() => go('/', { replace: true })}>
          <h2>{t('choose-account')}</h2>
          <p class="quiet small">{t('choose-account-hint')}</p>
          <label class="field"><span>{t('account')}</span><input type="text" name="account" autocomplete="username" autocapitalize="none" spellcheck={false} minLength={2} maxLength={100} /></label>
          <p class="quiet small">{t('reset-account-hint')}</p>
          <label class="field"><span>{t('password')}</span><input type="password" name="password" autocomplete="new-password" required minLength={8} /></label>
        </Form>
      )}
      <LanguageChoice />
    </Page>
  )
}

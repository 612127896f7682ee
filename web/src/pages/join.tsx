// An invitation: a name is all it takes.
import type { FunctionComponent } from 'preact'
import { useLocation, useParams } from 'wouter-preact'
import { join, me } from '../keep/session'
import { Form } from '../parts/form'
import { LanguageChoice } from '../parts/language-choice'
import { Page } from '../shell'
import { t } from '../words'

export const JoinPage: FunctionComponent = () => {
  const { code = '' } = useParams<{ code: string }>()
  const [, go] = useLocation()
  return (
    <Page title={t('join')}>
      {/* A second tap, or one more try in a dead spot, is the same joining. */}
      <Form keep={`join:${code}`} action={t('join')} send={(form, { id }) => join(code, String(form.get('name')).trim(), id)} onSent={() => go('/', { replace: true })}>
        <h2>{t('join-welcome')}</h2>
        <p class="small quiet">{t('join-hint')}</p>
        <label class="field"><span>{t('your-name')}</span><input type="text" name="name" required maxLength={100} autocomplete="name" defaultValue={me.value?.name ?? ''} /></label>
      </Form>
      <LanguageChoice />
    </Page>
  )
}

// An invitation: a name is all it takes.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { useLocation, useParams } from 'wouter-preact'
import type { Problem } from '../api/http'
import { newId } from '../keep/ids'
import { join, me } from '../keep/session'
import { ProblemBox, told } from '../parts/bits'
import { LanguageChoice } from '../parts/language-choice'
import { Page } from '../shell'
import { t } from '../words'

export const JoinPage: FunctionComponent = () => {
  const { code = '' } = useParams<{ code: string }>()
  const [, go] = useLocation()
  // One key for this screen: a second tap, or one more try in a dead spot, is the same joining.
  const [key] = useState(newId)
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get('name')).trim()
    setBusy(true)
    try {
      await join(code, name, key)
      go('/', { replace: true })
    } catch (error) {
      setProblem(told(error))
      setBusy(false)
    }
  }
  return (
    <Page title={t('join')}>
      <form class="card" onSubmit={submit}>
        <h2>{t('join-welcome')}</h2>
        <label class="field"><span>{t('your-name')}</span><input type="text" name="name" required maxLength={100} autocomplete="name" defaultValue={me.value?.name ?? ''} /></label>
        <ProblemBox problem={problem} />
        <button class="button first" disabled={busy}>{t('join')}</button>
        <p class="small quiet">{t('join-hint')}</p>
      </form>
      <LanguageChoice />
    </Page>
  )
}

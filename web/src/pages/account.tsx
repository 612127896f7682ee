// Me: what became of my work, how I am told, how the screen looks, where I am signed in.
import { Heart } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type Problem } from '../api/http'
import type { Device, MyRecord } from '../api/wire'
import { useKept } from '../keep/kept'
import { beginPush, canPush, endPush, isPushed, pushEndpoint } from '../keep/pushing'
import { me, signOut } from '../keep/session'
import { waiting } from '../keep/sending'
import { allowShortcuts, shortcuts } from '../keep/shortcuts'
import { theme, wear, type Theme } from '../keep/theme'
import { Channels } from '../parts/channels'
import { Age, Empty, ProblemBox, say, told } from '../parts/bits'
import { Form, useAttempt } from '../parts/form'
import { LanguageChoice } from '../parts/language-choice'
import { useOnce } from '../parts/once'
import { Page } from '../shell'
import { moment, t, word } from '../words'

const THEMES: Theme[] = ['auto', 'light', 'dark', 'sun']

export const AccountPage: FunctionComponent = () => {
  const { problem, busy, attempt } = useAttempt()
  const record = useKept<MyRecord>('/v1/me/record')
  const [beat, setBeat] = useState(0)
  const devices = useKept<{ items: Device[] }>('/v1/sessions', beat)
  return (
    <Page title={t('me')} back="/">
      <section class="card" aria-label={t('record')}>
        <h2>{me.value?.name}</h2>
        <p class="row">{me.value?.roles.map((held) => <span key={held.id} class="badge">{word('role', held.role)}{held.held_for ? ` · ${held.held_for.name}` : ''}</span>)}</p>
        <Age kept={record} />
        {record.body && (
          <div class="figures">
            <div class="figure"><b>{record.body.reports}</b>{t('i-reported')}</div>
            <div class="figure"><b>{record.body.closed}</b>{t('of-them-closed')}</div>
            {record.body.unresolved > 0 && <div class="figure"><b>{record.body.unresolved}</b>{t('ended')}</div>}
            <div class="figure"><b>{record.body.cleared}</b>{t('i-cleared')}</div>
            <div class="figure"><b>{record.body.walked.hours}</b>{t('hours-walked')}</div>
          </div>
        )}
      </section>
      <section class="card" aria-label={t('thanks')}>
        <h2><Heart class="icon" aria-hidden="true" />{t('thanks')}</h2>
        {record.body?.thanks.length === 0 && <Empty title={t('no-thanks')} />}
        <ul class="items">{record.body?.thanks.map((thanks) => <li key={thanks.id}><p>“{thanks.text}”</p><p class="small quiet">{thanks.by} · {moment(thanks.at)} {thanks.issue && <Link href={`/app/issues/${thanks.issue}`}>{t('see-issue')}</Link>}</p></li>)}</ul>
      </section>
      <section class="card" aria-label={t('settings')}>
        <h2>{t('settings')}</h2>
        <LanguageChoice />
        <div class="row" role="group" aria-label={t('theme')}>{THEMES.map((name) => <button key={name} class="button small" aria-pressed={theme.value === name} onClick={() => wear(name)}>{t(`theme-${name}`)}</button>)}</div>
        <label class="check"><input type="checkbox" checked={shortcuts.value} onChange={(event) => allowShortcuts(event.currentTarget.checked)} />{t('shortcuts-on')}</label>
        <PushSwitch />
        <Quiet />
        <ProblemBox problem={problem} />
      </section>
      <Channels />
      {!me.value?.account && <Credentials onDone={() => say(t('saved'))} />}
      <section class="card" aria-label={t('devices')}>
        <h2>{t('devices')}</h2>
        <Age kept={devices} />
        <ul class="items">
          {devices.body?.items.map((device) => (
            <li key={device.id} class="row apart"><span>{device.device || t('some-device')}{device.current ? ` · ${t('this-one')}` : ''}<br /><span class="small quiet">{moment(device.last_seen_at)}</span></span>
              {!device.current && <button class="button small grave" disabled={busy} onClick={() => void attempt(call('DELETE', `/v1/sessions/${device.id}`), () => setBeat(beat + 1))}>{t('sign-out-it')}</button>}</li>
          ))}
        </ul>
        <button class="button grave" disabled={busy} onClick={() => (waiting.value === 0 || confirm(t('sign-out-sure', { n: waiting.value }))) && void attempt(signOut())}>{t('sign-out')}</button>
      </section>
    </Page>
  )
}

const Credentials: FunctionComponent<{ onDone: () => void }> = ({ onDone }) => (
  <Form keep="credentials" title={t('choose-account')} action={t('save')} onSent={onDone} send={async (form) => {
    await call('PUT', '/v1/me/credentials', { account: form.get('account'), password: form.get('password') })
    me.value = { ...me.value!, account: String(form.get('account')) }
  }}>
    <h2>{t('choose-account')}</h2>
    <p class="small quiet">{t('choose-account-hint')} {t('first-hint')}</p>
    <label class="field"><span>{t('account')}</span><input type="text" name="account" autocomplete="username" required minLength={2} maxLength={100} /></label>
    <label class="field"><span>{t('password')}</span><input type="password" name="password" autocomplete="new-password" required minLength={8} maxLength={256} /></label>
  </Form>
)

/** Messages of the browser's push service; where there is none the inbox is all there is, and it says so. */
const PushSwitch: FunctionComponent = () => {
  const account = me.value?.id ?? ''
  const [on, setOn] = useState<boolean | null>(null)
  const { busy, run } = useOnce()
  const [problem, setProblem] = useState<Problem | 'unreachable' | null>(null)
  useEffect(() => {
    let gone = false
    void isPushed(account).then((found) => gone || setOn(found))
    return () => {
      gone = true
    }
  }, [account])
  if (!canPush()) return <p class="small quiet">{t('no-push')}</p>
  const turn = async (wanted: boolean) => {
    try {
      setProblem(null)
      if (wanted) await beginPush(account)
      else await endPush(await pushEndpoint())
      setOn(wanted)
    } catch (error) {
      setProblem(error instanceof DOMException ? { type: '', status: 0, detail: t('push-denied') } : told(error))
    }
  }
  return (
    <>
      <label class="check"><input type="checkbox" checked={on === true} disabled={busy} onChange={(event) => { const wanted = event.currentTarget.checked; void run(() => turn(wanted)) }} />{t('push')}</label>
      <ProblemBox problem={problem} />
    </>
  )
}

const Quiet: FunctionComponent = () => {
  const kept = useKept<{ starts: string; ends: string } | null>('/v1/me/quiet-hours')
  return (
    <Form class="row" keep="quiet-hours" title={t('quiet-from')} action={t('save')} key={kept.at ?? 0} send={(form) => call('PUT', '/v1/me/quiet-hours', { starts: form.get('starts'), ends: form.get('ends') })} onSent={() => say(t('saved'))}>
      <label class="field grow"><span>{t('quiet-from')}</span><input type="time" name="starts" required defaultValue={kept.body?.starts.slice(0, 5) ?? '22:00'} /></label>
      <label class="field grow"><span>{t('quiet-to')}</span><input type="time" name="ends" required defaultValue={kept.body?.ends.slice(0, 5) ?? '07:00'} /></label>
    </Form>
  )
}

// Where somebody is told beside the inbox: mail addresses, which are confirmed by a code, and what else there is.
import { Trash2 } from 'lucide-preact'
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link, useSearchParams } from 'wouter-preact'
import { call } from '../api/http'
import type { Channel } from '../api/wire'
import { newId } from '../keep/ids'
import { useKept } from '../keep/kept'
import { t, word } from '../words'
import { Age, ProblemBox, say } from './bits'
import { Form, useAttempt } from './form'

export const Channels: FunctionComponent = () => {
  const [beat, setBeat] = useState(0)
  const kept = useKept<{ items: Channel[] }>('/v1/channels', beat)
  const changed = (told: string) => {
    say(told)
    setBeat((now) => now + 1)
  }
  return (
    <section class="card" aria-label={t('channels')}>
      <h2>{t('channels')}</h2>
      <p class="small quiet">{t('channels-hint')}</p>
      <Age kept={kept} />
      <ul class="items">{kept.body?.items.map((channel) => <Row key={channel.id} channel={channel} onChange={changed} />)}</ul>
      <Form key={beat} keep="channel" title={t('channel-add')} action={t('channel-add')} onSent={() => changed(t('channel-sent'))}
        send={(form, sent) => call('PUT', `/v1/channels/${sent.id}`, { kind: 'mail', address: form.get('address') })}>
        <label class="field"><span>{t('mail-address')}</span><input type="email" name="address" autocomplete="email" required maxLength={254} /></label>
      </Form>
    </section>
  )
}

const Row: FunctionComponent<{ channel: Channel; onChange: (told: string) => void }> = ({ channel, onChange }) => {
  const { problem, busy, attempt } = useAttempt()
  const mail = channel.kind === 'mail'
  const waits = channel.confirmed_at === null
  // A robot's secret is not told, so that only a mail address can be set again as it is.
  const again = () => {
    const { kind, address, kinds, daily } = channel
    return call('PUT', `/v1/channels/${channel.id}`, { kind, address, kinds, daily })
  }
  return (
    <li>
      <div class="row apart">
        <span class="grow">{word('channel', channel.kind)}{mail && <><br /><span class="address">{channel.address}</span></>}</span>
        {channel.failed_at ? <span class="badge late">{t('channel-stopped')}</span> : waits ? <span class="badge wait">{t('channel-waits')}</span> : null}
        <button class="button small" disabled={busy} aria-label={t('channel-remove', { what: mail ? channel.address : word('channel', channel.kind) })}
          onClick={() => void attempt(call('DELETE', `/v1/channels/${channel.id}`), () => onChange(t('channel-removed')))}><Trash2 class="icon" aria-hidden="true" /></button>
      </div>
      {channel.failed_at && <p class="small quiet">{t('channel-why')} <Link href="/app/notices">{t('notices')}</Link></p>}
      {waits && !channel.failed_at && <Code channel={channel} onDone={() => onChange(t('channel-confirmed'))} />}
      {mail && (waits || channel.failed_at) && (
        <button class="button small" disabled={busy} onClick={() => void attempt(again(), () => onChange(waits ? t('channel-sent') : t('saved')))}>
          {waits ? t('channel-code-again') : t('channel-again')}
        </button>
      )}
      <ProblemBox problem={problem} />
    </li>
  )
}

/** The code of the mail, by hand or from its link. */
const Code: FunctionComponent<{ channel: Channel; onDone: () => void }> = ({ channel, onDone }) => {
  const [search] = useSearchParams()
  const linked = search.get('channel') === channel.id ? (search.get('code') ?? '') : ''
  return (
    <Form keep={null} title={t('channel-code')} action={t('channel-confirm')} onSent={onDone}
      send={(form) => call('POST', `/v1/channels/${channel.id}/confirm`, { code: form.get('code') }, { 'idempotency-key': newId() })}>
      <p class="small quiet">{t('channel-waits-hint')}</p>
      <label class="field"><span>{t('channel-code')}</span><input type="text" name="code" inputMode="numeric" autocomplete="one-time-code" required maxLength={20} defaultValue={linked} /></label>
    </Form>
  )
}

// Places where it comes back again and again, who owns them, and what is planned.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call } from '../api/http'
import type { BlackSpot, Person } from '../api/wire'
import { useKept } from '../keep/kept'
import { usePulse } from '../keep/pulse'
import { inviter } from '../keep/session'
import { Age, categoryName, Empty, say } from '../parts/bits'
import { SheetForm } from '../parts/form'
import { Growing } from '../parts/growing'
import { Page } from '../shell'
import { ago, t } from '../words'

export const SpotsPage: FunctionComponent = () => {
  const [beat, setBeat] = useState(0)
  const [owning, setOwning] = useState<BlackSpot | null>(null)
  const kept = useKept<{ items: BlackSpot[] }>('/v1/black-spots', `${beat} ${usePulse()}`)
  return (
    <Page title={t('black-spots')} back="/">
      <p class="quiet">{t('black-spots-hint')}</p>
      <Age kept={kept} />
      {kept.body?.items.length === 0 && <Empty title={t('no-black-spots')} />}
      <Growing items={kept.body?.items ?? []} keyOf={(spot) => spot.id} row={(spot) => (
        <div class="card">
          <div class="row apart"><b>{spot.cell?.name ?? t('outside-cells')} · {categoryName(spot.category)}</b><span class="badge late">{t('came-back', { n: spot.recurrences })}</span></div>
          <p class="small quiet">{t('last-seen', { at: ago(spot.last_seen_at) })}{spot.owner_name ? ` · ${t('owner')} ${spot.owner_name}` : ` · ${t('no-owner')}`}</p>
          {spot.plan && <p>{spot.plan}</p>}
          <div class="row"><Link class="button small" href={`/app/issues/${spot.latest_issue}`}>{t('latest-issue')}</Link><Link class="button small" href={`/app/map?at=${spot.position.lat},${spot.position.lon},18`}>{t('on-the-map')}</Link>
            {inviter.value && <button class="button small" onClick={() => setOwning(spot)}>{t('own-it')}</button>}</div>
        </div>
      )} />
      {owning && <Owning spot={owning} onClose={(changed) => { setOwning(null); if (changed) setBeat(beat + 1) }} />}
    </Page>
  )
}

const Owning: FunctionComponent<{ spot: BlackSpot; onClose: (changed: boolean) => void }> = ({ spot, onClose }) => {
  const people = useKept<Person[]>('/v1/people', 0, 'items').body ?? []
  const send = async (form: FormData) => {
    await call('PUT', `/v1/black-spots/${spot.id}`, { owner: form.get('owner') || null, plan: form.get('plan') })
    say(t('saved'))
  }
  return (
    <SheetForm keep={`spot:${spot.id}`} title={`${spot.cell?.name ?? ''} · ${categoryName(spot.category)}`} send={send} onClose={onClose}>
      <label class="field"><span>{t('owner')}</span><select name="owner" key={people.length}><option value="" />{people.map((person) => <option key={person.id} value={person.id} selected={person.id === spot.owner}>{person.name}</option>)}</select></label>
      <label class="field"><span>{t('plan')}</span><textarea name="plan" rows={3} maxLength={4000} defaultValue={spot.plan} /></label>
    </SheetForm>
  )
}

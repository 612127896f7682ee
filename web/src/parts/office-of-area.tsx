// What an area's papers are signed with, whom authorities send their replies to, who may report there, and what everybody may see.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { call } from '../api/http'
import type { Feature } from '../api/wire'
import { useKept } from '../keep/kept'
import { say } from './bits'
import { SheetForm } from './form'
import { t } from '../words'

interface Office {
  issuer: string
  contact: string
  phone: string
  open_reports: boolean
  publishes: keyof typeof PUBLISHES
}
const PUBLISHES = { nothing: 'publishes-nothing', issues: 'publishes-issues', places: 'publishes-places' } as const

export const OfficeOfArea: FunctionComponent<{ area: Feature }> = ({ area }) => {
  const [open, setOpen] = useState(false)
  const close = (saved: boolean) => {
    setOpen(false)
    if (saved) say(t('saved'))
  }
  return (
    <>
      <div class="row"><button class="button small" onClick={() => setOpen(true)}>{t('office-of', { name: area.properties.name })}</button></div>
      {open && <OfficeSheet area={area} onClose={close} />}
    </>
  )
}

const OfficeSheet: FunctionComponent<{ area: Feature; onClose: (saved: boolean) => void }> = ({ area, onClose }) => {
  const path = `/v1/areas/${area.id}/office`
  const office = useKept<Office>(path).body
  if (!office) return null
  const wish = (form: FormData) => ({ issuer: form.get('issuer'), contact: form.get('contact'), phone: form.get('phone'), open_reports: form.get('open_reports') === 'on', publishes: form.get('publishes') })
  return (
    <SheetForm keep={`office:${area.id}`} title={t('office-of', { name: area.properties.name })} onClose={onClose} send={(form) => call('PUT', path, wish(form))}>
      <label class="field"><span>{t('issuer')}</span><input type="text" name="issuer" maxLength={100} defaultValue={office.issuer} /></label>
      <p class="small quiet">{t('issuer-hint')}</p>
      <label class="field"><span>{t('contact')}</span><input type="text" name="contact" maxLength={50} defaultValue={office.contact} /></label>
      <label class="field"><span>{t('phone')}</span><input type="text" name="phone" inputMode="tel" maxLength={40} defaultValue={office.phone} /></label>
      <label class="check"><input type="checkbox" name="open_reports" defaultChecked={office.open_reports} />{t('open-reports')}</label>
      <p class="small quiet">{t('open-reports-hint')}</p>
      <label class="field"><span>{t('publishes')}</span>
        <select name="publishes" defaultValue={office.publishes}>{Object.entries(PUBLISHES).map(([what, key]) => <option key={what} value={what} selected={what === office.publishes}>{t(key)}</option>)}</select></label>
      <p class="small quiet">{t('publishes-hint')}</p>
    </SheetForm>
  )
}

// Areas, cells with who answers for them, units, and which unit is asked for what.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call } from '../api/http'
import type { Feature, Unit } from '../api/wire'
import { fetchAllKept, useKept } from '../keep/kept'
import { roles } from '../keep/session'
import { groups, places } from '../keep/sync'
import { homeArea } from '../parts/home-area'
import { categoryName, ProblemBox, say } from '../parts/bits'
import { SheetForm, useAttempt } from '../parts/form'
import { OfficeOfArea } from '../parts/office-of-area'
import { Page } from '../shell'
import { language, listed, t, word } from '../words'

interface Rule {
  id: string
  area: string
  cell: string | null
  category: string | null
  unit: string | null
  volunteer_may_close: boolean | null
}

const KINDS = ['bureau', 'property_manager', 'hospital', 'school', 'shop', 'contractor', 'other']

export const AreasPage: FunctionComponent = () => {
  const [beat, setBeat] = useState(0)
  const units = useKept<Unit[]>('/v1/units', beat, 'items').body ?? []
  const may = roles.value.has('staff') || roles.value.has('admin')
  const rules = useKept<Rule[]>(may ? '/v1/assignment-rules' : null, beat, 'items')
  const [cell, setCell] = useState<Feature | null>(null)
  const [unit, setUnit] = useState<Unit | 'new' | null>(null)
  const [ruling, setRuling] = useState(false)
  const { problem, busy, attempt } = useAttempt()
  const unitNames = new Map(units.map((unit) => [unit.id, unit.name]))
  const names = new Map(places.value.map((place) => [place.id, place.properties.name]))
  const areas = places.value.filter((place) => place.properties.kind === 'area')
  const changed = () => {
    setBeat(beat + 1)
    say(t('saved'))
    void fetchAllKept<Feature>('/v1/areas', 'features').then((found) => (places.value = found), () => {})
  }
  const drop = (rule: Rule) => void attempt(call('DELETE', `/v1/assignment-rules/${rule.id}`), changed)
  return (
    <Page title={t('areas')} back="/app/office" wide>
      <ProblemBox problem={problem} />
      {areas.filter((area) => places.value.some((place) => place.properties.kind === 'cell' && place.properties.parent === area.id)).map((area) => (
        <section class="card" key={area.id} aria-label={area.properties.name}>
          <h2>{area.properties.name} <span class="badge">{word('level', area.properties.level)}</span></h2>
          {may && <OfficeOfArea area={area} />}
          <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: area.properties.name })}>
            <table>
              <thead><tr><th scope="col">{t('cell')}</th><th scope="col">{word('role', 'leader')}</th><th scope="col">{word('role', 'volunteer')}</th><th scope="col">{t('sponsor')}</th>{may && <th scope="col"><span class="hidden">{t('edit')}</span></th>}</tr></thead>
              <tbody>
                {places.value.filter((place) => place.properties.kind === 'cell' && place.properties.parent === area.id).sort((a, b) => a.properties.name.localeCompare(b.properties.name, 'zh')).map((place) => (
                  <tr key={place.id}><th scope="row"><Link href={`/app/issues?cell=${place.id}&state=open`}>{place.properties.name}</Link></th>
                    <td>{people(place, 'leader') || <span class="badge late">{t('nobody')}</span>}</td><td>{people(place, 'volunteer') || '–'}</td><td>{unitNames.get(place.properties.unit ?? '') ?? '–'}</td>
                    {may && <td><button class="button small" aria-label={t('edit-what', { name: place.properties.name })} onClick={() => setCell(place)}>{t('edit')}</button></td>}</tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
      <section class="card" aria-label={t('units')}>
        <div class="row apart"><h2>{t('units')}</h2>{may && <button class="button small" onClick={() => setUnit('new')}>{t('new-unit')}</button>}</div>
        <ul class="items">{units.map((one) => <li key={one.id} class="row apart"><span>{one.name} <span class="small quiet">{word('unit', one.kind)}{one.phone ? ` · ${one.phone}` : ''}</span></span>{may && <button class="button small" aria-label={t('edit-what', { name: one.name })} onClick={() => setUnit(one)}>{t('edit')}</button>}</li>)}</ul>
      </section>
      {may && (
        <section class="card" aria-label={t('rules')}>
          <div class="row apart"><h2>{t('rules')}</h2><button class="button small" onClick={() => setRuling(true)}>{t('new-rule')}</button></div>
          <p class="small quiet">{t('rules-hint')}</p>
          <ul class="items">{rules.body?.map((rule) => <li key={rule.id} class="row apart"><span>{names.get(rule.cell ?? rule.area) ?? ''} · {rule.category ? categoryName(rule.category) : t('all-kinds')} → {unitNames.get(rule.unit ?? '') ?? '–'}</span><button class="button small grave" disabled={busy} aria-label={t('drop-rule', { name: rule.category ? categoryName(rule.category) : t('all-kinds') })} onClick={() => drop(rule)}>{t('drop')}</button></li>)}</ul>
        </section>
      )}
      {cell && <CellSheet cell={cell} units={units} onClose={(saved) => { setCell(null); if (saved) changed() }} />}
      {unit && <UnitSheet unit={unit === 'new' ? null : unit} areas={areas} onClose={(saved) => { setUnit(null); if (saved) changed() }} />}
      {ruling && <RuleSheet units={units} areas={areas} onClose={(saved) => { setRuling(false); if (saved) changed() }} />}
    </Page>
  )
}

const people = (place: Feature, role: string): string => listed((place.properties.people ?? []).filter((person) => person.role === role).map((person) => person.name))

interface SheetProps {
  onClose: (saved: boolean) => void
}

const CellSheet: FunctionComponent<SheetProps & { cell: Feature; units: Unit[] }> = ({ cell, units, onClose }) => (
  <SheetForm keep={`cell:${cell.id}`} title={cell.properties.name} onClose={onClose} send={(form) => call('PATCH', `/v1/cells/${cell.id}`, { name: form.get('name'), unit: form.get('unit') || null, ...(form.get('rounds') ? { rounds_per_week: Number(form.get('rounds')) } : {}) })}>
    <label class="field"><span>{t('name')}</span><input type="text" name="name" required maxLength={100} defaultValue={cell.properties.name} /></label>
    <label class="field"><span>{t('sponsor')}</span><select name="unit"><option value="" />{units.map((unit) => <option key={unit.id} value={unit.id} selected={unit.id === cell.properties.unit}>{unit.name}</option>)}</select></label>
    <label class="field"><span>{t('planned')}</span><input type="number" name="rounds" min="0" max="200" /></label>
  </SheetForm>
)

const UnitSheet: FunctionComponent<SheetProps & { unit: Unit | null; areas: Feature[] }> = ({ unit, areas, onClose }) => {
  return (
    <SheetForm keep={`unit:${unit?.id ?? 'new'}`} title={unit?.name ?? t('new-unit')} onClose={onClose} send={(form, sent) => call('PUT', `/v1/units/${unit?.id ?? sent.id}`, { area: unit?.area ?? form.get('area'), name: form.get('name'), kind: form.get('kind'), phone: form.get('phone') })}>
      {!unit && <label class="field"><span>{t('area')}</span><select name="area">{areas.map((area) => <option key={area.id} value={area.id} selected={area.id === homeArea()}>{area.properties.name}</option>)}</select></label>}
      <label class="field"><span>{t('name')}</span><input type="text" name="name" required maxLength={100} defaultValue={unit?.name ?? ''} /></label>
      <label class="field"><span>{t('kind')}</span><select name="kind">{[...new Set([unit?.kind ?? 'bureau', ...KINDS])].map((kind) => <option key={kind} value={kind} selected={kind === unit?.kind}>{word('unit', kind)}</option>)}</select></label>
      <label class="field"><span>{t('phone')}</span><input type="text" name="phone" inputMode="tel" maxLength={40} defaultValue={unit?.phone ?? ''} /></label>
    </SheetForm>
  )
}

const RuleSheet: FunctionComponent<SheetProps & { units: Unit[]; areas: Feature[] }> = ({ units, areas, onClose }) => {
  return (
    <SheetForm keep="rule" title={t('new-rule')} onClose={onClose} send={(form, { id }) => call('PUT', `/v1/assignment-rules/${id}`, { area: form.get('area'), cell: form.get('cell') || null, category: form.get('category') || null, unit: form.get('unit') })}>
      <label class="field"><span>{t('area')}</span><select name="area">{areas.map((area) => <option key={area.id} value={area.id} selected={area.id === homeArea()}>{area.properties.name}</option>)}</select></label>
      <label class="field"><span>{t('cell')} ({t('optional')})</span><select name="cell"><option value="" />{places.value.filter((place) => place.properties.kind === 'cell').map((place) => <option key={place.id} value={place.id}>{place.properties.name}</option>)}</select></label>
      <label class="field"><span>{t('category')} ({t('optional')})</span><select name="category"><option value="">{t('all-kinds')}</option>{groups.value.flatMap((group) => group.categories).map((category) => <option key={category.code} value={category.code}>{category.name[language()]}</option>)}</select></label>
      <label class="field"><span>{t('unit')}</span><select name="unit" required>{units.map((unit) => <option key={unit.id} value={unit.id}>{unit.name}</option>)}</select></label>
    </SheetForm>
  )
}

// The catalogue: what may be reported, by when it is to be mended, and what evidence it needs.
import type { FunctionComponent } from 'preact'
import { useState } from 'preact/hooks'
import { call } from '../api/http'
import type { Category, Group } from '../api/wire'
import { fetchKept } from '../keep/kept'
import { roles } from '../keep/session'
import { groups } from '../keep/sync'
import { say } from '../parts/bits'
import { SheetForm } from '../parts/form'
import { KindIcon } from '../parts/icons'
import { Page } from '../shell'
import { language, t } from '../words'

export const CataloguePage: FunctionComponent = () => {
  const [editing, setEditing] = useState<Category | 'new' | null>(null)
  const admin = roles.value.has('admin')
  return (
    <Page title={t('catalogue')} back="/app/office" wide>
      {admin && <button class="button first" onClick={() => setEditing('new')}>{t('new-category')}</button>}
      {groups.value.map((group) => (
        <section class="card" key={group.code} aria-label={group.name[language()]}>
          <h2>{group.name[language()]}</h2>
          <div class="scroll" tabIndex={0} role="region" aria-label={t('table-of', { name: group.name[language()] ?? '' })}>
            <table>
              <thead><tr><th scope="col">{t('category')}</th><th scope="col">{t('deadline')}</th><th scope="col">{t('after-photo')}</th><th scope="col">{t('volunteer-closes')}</th><th scope="col" class="n">{t('radius')}</th>{admin && <th scope="col"><span class="hidden">{t('edit')}</span></th>}</tr></thead>
              <tbody>
                {group.categories.map((category) => (
                  <tr key={category.code}>
                    <th scope="row"><KindIcon code={category.code} group={group.code} /> {category.name[language()]}{!category.active && <> <span class="badge">{t('not-active')}</span></>}</th>
                    <td>{t(category.deadline_clock === 'working' ? 'working-hours' : 'hours', { n: category.deadline_hours })}</td>
                    <td>{category.needs.includes('after') ? t('yes') : '–'}</td><td>{category.volunteer_may_close ? t('yes') : '–'}</td><td class="n">{t('metres', { n: category.radius_m })}</td>
                    {admin && <td><button class="button small" aria-label={t('edit-what', { name: category.name[language()] ?? '' })} onClick={() => setEditing(category)}>{t('edit')}</button></td>}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
      {editing && <Editing category={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </Page>
  )
}

const Editing: FunctionComponent<{ category: Category | null; onClose: () => void }> = ({ category, onClose }) => {
  const send = async (form: FormData) => {
    const number = (name: string) => Number(form.get(name))
    await call('PUT', `/v1/categories/${category?.code ?? form.get('code')}`, {
      group: form.get('group'), name: { 'zh-CN': form.get('zh'), en: form.get('en') }, deadline_hours: number('hours'), deadline_clock: form.get('clock'), needs: form.get('after') ? ['after'] : [],
      volunteer_may_close: Boolean(form.get('closes')), radius_m: number('radius'), window_hours: category?.window_hours ?? 720, public_precision_m: number('precision'), active: Boolean(form.get('active')),
    })
    groups.value = (await fetchKept<{ items: Group[] }>('/v1/categories')).items
    say(t('saved'))
  }
  return (
    <SheetForm keep={`category:${category?.code ?? 'new'}`} title={category?.name[language()] ?? t('new-category')} send={send} onClose={onClose}>
      {!category && <label class="field"><span>{t('code')}</span><input type="text" name="code" required pattern="[a-z][a-z0-9_]{1,39}" /></label>}
      <label class="field"><span>{t('group')}</span><select name="group" defaultValue={category?.group ?? groups.value[0]?.code ?? ''}>{groups.value.map((group) => <option key={group.code} value={group.code} selected={group.code === category?.group}>{group.name[language()]}</option>)}</select></label>
      <label class="field"><span>中文</span><input type="text" name="zh" lang="zh-CN" required maxLength={100} defaultValue={category?.name['zh-CN'] ?? ''} /></label>
      <label class="field"><span>English</span><input type="text" name="en" lang="en" required maxLength={100} defaultValue={category?.name.en ?? ''} /></label>
      <label class="field"><span>{t('deadline-hours')}</span><input type="number" name="hours" required min="1" max="8760" defaultValue={String(category?.deadline_hours ?? 24)} /></label>
      <label class="field"><span>{t('clock')}</span><select name="clock"><option value="working" selected={category?.deadline_clock !== 'calendar'}>{t('clock-working')}</option><option value="calendar" selected={category?.deadline_clock === 'calendar'}>{t('clock-calendar')}</option></select></label>
      <label class="field"><span>{t('radius')} (m)</span><input type="number" name="radius" required min="1" max="1000" defaultValue={String(category?.radius_m ?? 30)} /></label>
      <label class="field"><span>{t('precision')} (m)</span><input type="number" name="precision" required min="0" max="5000" defaultValue={String(category?.public_precision_m ?? 10)} /></label>
      <label class="check"><input type="checkbox" name="after" defaultChecked={category?.needs.includes('after') ?? false} />{t('after-photo')}</label>
      <label class="check"><input type="checkbox" name="closes" defaultChecked={category?.volunteer_may_close ?? false} />{t('volunteer-closes')}</label>
      <label class="check"><input type="checkbox" name="active" defaultChecked={category?.active ?? true} />{t('active')}</label>
    </SheetForm>
  )
}

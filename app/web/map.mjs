// The map: open issues as points, heat or shaded cells, with the worst hotspots beside. Reads the API and nothing else.
import { AttributionControl, LngLatBounds, Map, NavigationControl, Popup } from './maplibre-gl.mjs'

const zh = navigator.language.toLowerCase().startsWith('zh')
const words = zh
  ? { points: '点位', heat: '热力', cells: '网格', signIn: '登录', account: '账号', password: '密码', wrong: '账号或密码不正确', open: '未整改', overdue: '超期', recurring: '反复', score: '分', week: '本周', before: '上周' }
  : { points: 'Points', heat: 'Heat', cells: 'Cells', signIn: 'Sign in', account: 'Account', password: 'Password', wrong: 'The account or password is not right', open: 'open', overdue: 'overdue', recurring: 'came back', score: 'score', week: 'this week', before: 'week before' }
document.documentElement.lang = zh ? 'zh-CN' : 'en'

const comma = zh ? '、' : ', '
const address = new URLSearchParams(location.search)
let signedIn = false
const narrow = innerWidth <= 640
let view = address.get('view') ?? 'points'
const headers = { 'accept-language': zh ? 'zh-CN' : 'en' }
const dark = matchMedia('(prefers-color-scheme: dark)').matches
const styleAddress = () => `/v1/map/style.json?view=${view}&theme=${dark ? 'dark' : 'light'}${signedIn ? '' : '&public=true'}`

async function get(path) {
  const answer = await fetch(path, { headers })
  return answer.ok ? answer.json() : null
}

const map = new Map({
  container: 'map', center: [104, 35], zoom: 3, maxZoom: 20, attributionControl: false, canvasContextAttributes: { preserveDrawingBuffer: true },
})
window.map = map
map.addControl(new NavigationControl({ showCompass: false }), narrow ? 'top-right' : 'bottom-left')
map.addControl(new AttributionControl({ compact: true }), 'bottom-right')

// A base map that is a style of its own lies beneath; raster ones stand in our style already.
async function show() {
  const ours = await get(styleAddress())
  const beneath = ours.metadata['gridpatrol:basemap']
  if (beneath) {
    const theirs = await (await fetch(beneath)).json()
    Object.assign(ours.sources, theirs.sources)
    ours.layers = [...theirs.layers, ...ours.layers.filter((layer) => layer.type !== 'background')]
    if (theirs.glyphs) ours.glyphs = theirs.glyphs
  }
  map.setStyle(ours)
  legend(ours.metadata['gridpatrol:groups'])
}

async function legend(colours) {
  const list = document.getElementById('legend')
  list.replaceChildren()
  const groups = view === 'points' && signedIn ? (await get('/v1/categories'))?.items ?? [] : []
  for (const group of groups) {
    const item = document.createElement('li')
    item.innerHTML = '<svg viewBox="0 0 12 12"><circle cx="6" cy="6" r="6"/></svg>'
    item.querySelector('circle').setAttribute('fill', colours[group.code])
    item.append(group.name[zh ? 'zh-CN' : 'en'])
    list.append(item)
  }
}

async function hotspots() {
  const me = await get('/v1/me')
  if (!me) return
  const area = address.get('area') ?? me.roles.find((role) => role.held_for?.kind === 'area')?.held_for.id
  const found = area && (await get(`/v1/hotspots?area=${area}`))
  if (!found) return
  const groups = (await get('/v1/categories'))?.items ?? []
  const names = Object.fromEntries(groups.flatMap((group) => group.categories).map((c) => [c.code, c.name[zh ? 'zh-CN' : 'en']]))
  const list = document.getElementById('hotspots')
  list.replaceChildren()
  for (const { properties: p, geometry } of found.features.slice(0, 12)) {
    const button = document.createElement('button')
    const score = document.createElement('b')
    score.textContent = p.score
    const what = document.createElement('small')
    what.textContent = `${p.open} ${words.open} + ${p.overdue} ${words.overdue} + ${p.recurring} ${words.recurring} + ${p.age} · ${words.week} ${p.trend.week}, ${words.before} ${p.trend.week_before}`
    button.append(score, `${p.cells.slice(0, 2).map((cell) => cell.name).join(comma)}${zh ? '：' : ': '}${p.categories.map((c) => names[c.category] ?? c.category).join(comma)}`, what)
    const bounds = geometry.coordinates[0].reduce((box, place) => box.extend(place), new LngLatBounds())
    button.onclick = () => map.fitBounds(bounds, { maxZoom: 17, padding: 80 })
    const item = document.createElement('li')
    item.append(button)
    list.append(item)
  }
  const draw = () => {
    if (map.getSource('hotspots')) return
    map.addSource('hotspots', { type: 'geojson', data: found })
    map.addLayer({ id: 'hotspots', type: 'line', source: 'hotspots', paint: { 'line-color': '#c1121f', 'line-width': 2.5, 'line-dasharray': [2, 1] } })
  }
  // Another view is another style, which does not have them.
  map.on('idle', draw)
}

async function start() {
  // Who is signed in (by a cookie that this page cannot read) sees his own scope, anybody else what is published.
  const own = await get('/v1/tiles/issues.json')
  signedIn = own !== null
  const tiles = own ?? (await get('/v1/tiles/public.json'))
  if (!tiles) return showSignIn()
  document.getElementById('sign-in').hidden = true
  if (address.has('at')) {
    const [lat, lon, zoom] = address.get('at').split(',').map(Number)
    map.jumpTo({ center: [lon, lat], zoom })
  } else if (tiles.bounds[0] > -180) map.fitBounds(tiles.bounds, { padding: { top: 70, bottom: narrow && signedIn ? 280 : 40, left: 40, right: !narrow && signedIn ? 330 : 40 }, animate: false })
  await show()
  if (signedIn) await hotspots()
  else showSignIn()
}

function showSignIn() {
  const form = document.getElementById('sign-in')
  form.hidden = false
  form.querySelector('button').textContent = words.signIn
  for (const field of ['account', 'password']) {
    form[field].placeholder = words[field]
    form[field].setAttribute('aria-label', words[field])
  }
  form.onsubmit = async (event) => {
    event.preventDefault()
    const answer = await fetch('/v1/sessions?cookie=true', {
      method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ account: form.account.value, password: form.password.value, device: 'map' }),
    })
    if (!answer.ok) { form.querySelector('output').textContent = words.wrong; return }
    start()
  }
}

for (const name of ['points', 'heat', 'cells']) {
  const button = document.createElement('button')
  button.textContent = words[name]
  button.setAttribute('aria-pressed', String(name === view))
  button.onclick = () => {
    view = name
    for (const other of button.parentNode.children) other.setAttribute('aria-pressed', String(other === button))
    show()
  }
  document.getElementById('views').append(button)
}

map.on('click', 'issues', async ({ features: [feature], lngLat }) => {
  const issue = signedIn && (await get(`/v1/issues/${feature.properties.id}`))
  const text = issue ? `${issue.number}  ${issue.place}\n${issue.note}` : feature.properties.category
  new Popup().setLngLat(lngLat).setText(text).addTo(map)
})
start()

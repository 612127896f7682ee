// Builds the client into the Python package: the page and its parts, then the service worker, which knows the names of all of them.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'

const out = process.env.OUT ?? new URL('../app/client/built', import.meta.url).pathname
await build({ logLevel: 'warn', build: { outDir: out, emptyOutDir: true } })

// The map is fetched when it is first looked at: it is larger than everything else together, and shows nothing without a network.
const manifest = JSON.parse(await readFile(join(out, '.vite/manifest.json'), 'utf8'))
const map = Object.values(manifest).find((chunk) => chunk.src === 'src/parts/big-map.tsx')
const late = new Set([map.file, ...(map.css ?? []), ...(map.assets ?? [])])
const files = [...new Set(Object.values(manifest).flatMap((chunk) => [chunk.file, ...(chunk.css ?? [])]))].filter((file) => !late.has(file) && !file.includes('maplibre')).sort()
await rm(join(out, '.vite'), { recursive: true })

const shell = await readFile(join(out, 'index.html'))
const version = createHash('sha256').update(shell).update(files.join()).digest('hex').slice(0, 12)
await build({
  configFile: false, logLevel: 'warn', publicDir: false,
  define: { __VERSION__: JSON.stringify(version), __FILES__: JSON.stringify(files.map((file) => `/${file}`)) },
  build: {
    outDir: out, emptyOutDir: false, target: ['es2020', 'chrome87', 'safari14'], modulePreload: false,
    rollupOptions: { input: new URL('sw/worker.ts', import.meta.url).pathname, output: { format: 'iife', entryFileNames: 'sw.js' } },
  },
})

// The licences of what is built in go with it.
const here = new URL('node_modules/', import.meta.url).pathname
const { dependencies } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'))
let licences = ''
for (const name of Object.keys(dependencies).sort()) {
  const file = (await readdir(join(here, name))).find((entry) => /^licen[cs]e/i.test(entry))
  const { license, homepage } = JSON.parse(await readFile(join(here, name, 'package.json'), 'utf8'))
  licences += `${name} (${license}) ${homepage ?? ''}\n\n${file ? await readFile(join(here, name, file), 'utf8') : ''}\n\n`
}
await writeFile(join(out, 'THIRD-PARTY.txt'), licences)

import preact from '@preact/preset-vite'
import { defineConfig } from 'vite'

// Phones from about 2020 on; the map asks for more and is loaded only where it is shown.
const target = ['es2020', 'chrome87', 'safari14']

export default defineConfig({
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
  build: { target, assetsInlineLimit: 0, manifest: true, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 1200 },
  worker: { format: 'es' },
  server: { proxy: { '/v1': 'http://127.0.0.1:8000' } },
})

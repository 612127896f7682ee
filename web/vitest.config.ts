import { defineConfig } from 'vitest/config'

// What the phone keeps is tested on a store in memory; what only a browser can show is in the Python tests.
export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: { include: ['tests/**/*.test.ts'], setupFiles: ['tests/store.ts'], environment: 'node', testTimeout: 10_000 },
})

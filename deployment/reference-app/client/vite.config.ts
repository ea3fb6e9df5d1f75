import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const commit = process.env.PACS_COMMIT || 'development'
const version = process.env.PACS_VERSION || '0.0.0-development'

// Every build's assets lie in a folder of their own, so that a page of the previous release still finds what it needs while the
// next one already serves.
export default defineConfig({
  // Where the page finds its assets: on this host, or below the address of a CDN.
  base: process.env.ASSETS_BASE || '/',
  plugins: [react()],
  define: { __VERSION__: JSON.stringify(version), __COMMIT__: JSON.stringify(commit) },
  // The manifest tells the release's build which files the page loads first.
  build: { assetsDir: `assets/${commit}`, modulePreload: { polyfill: false }, manifest: true },
  server: { proxy: { '/api': process.env.PACS_API ?? 'http://127.0.0.1:3000' } },
})

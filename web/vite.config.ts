import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const server = 'http://127.0.0.1:8000'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // Pictures and fonts stay files: the server's Content-Security-Policy and its long caching are made for them.
  build: { outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
  server: { proxy: Object.fromEntries(['/api', '/auth', '/docs', '/files', '/health'].map((path) => [path, server])) },
})

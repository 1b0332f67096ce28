import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// In development the server behind the console is a real one: TERRENO_SERVER says where, otherwise the usual port.
const server = process.env['TERRENO_SERVER'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/app/',
  plugins: [react()],
  build: {
    target: 'es2022',
    // The content security policy allows no inline script and no data URL but for images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': { target: server, changeOrigin: false } } },
  test: { include: ['src/**/*.test.ts'] },
});

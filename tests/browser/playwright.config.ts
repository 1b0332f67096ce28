import { defineConfig } from '@playwright/test';

// Debian's Chromium, one worker: each test file starts a Terreno of its own.
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  workers: 1,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  outputDir: '../../build/browser-tests',
  use: {
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    trace: 'retain-on-failure',
  },
});

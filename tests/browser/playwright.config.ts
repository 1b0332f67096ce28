import { defineConfig } from '@playwright/test';

// Debian's Chromium; one worker and one Terreno, since its four months are lived before the first test.
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  globalSetup: './demo.ts',
  workers: 1,
  // Only a page that hangs is ended; a slow machine is not a failure.
  timeout: 300_000,
  expect: { timeout: 60_000 },
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

// A real Terreno for each file of tests: the program itself, on made-up people, in a folder that is thrown away.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

const program = process.env['TERRENO'] ?? new URL('../../build/dev/src/server/terreno', import.meta.url).pathname;

interface Server {
  /** Such as `http://127.0.0.1:41234`. */
  origin: string;
  /** The one-time link that the program printed. */
  link: string;
}

/** Starts the demonstration and waits until it has printed its link. */
async function start(folder: string): Promise<{ server: Server; child: ChildProcess }> {
  const child = spawn(program, ['demo', '--data', folder, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const link = await new Promise<string>((resolve, reject) => {
    let said = '';
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      const found = /https?:\/\/\S+\/app\/first-run\?token=[\w-]+/.exec(said);
      if (found !== null) resolve(found[0]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`terreno demo ended with ${code} before it printed its link:\n${said}`)));
  });
  return { server: { origin: new URL(link).origin, link }, child };
}

export const test = base.extend<{ console: Page; problems: string[] }, { server: Server; state: string }>({
  server: [
    // Playwright asks for this shape.
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'terreno-browser-'));
      const { server, child } = await start(folder);
      await use(server);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
    { scope: 'worker' },
  ],

  // The link works once, so the session it gives is shared by the tests of a worker.
  state: [
    async ({ server, browser }, use) => {
      const page = await browser.newPage({ locale: 'en-GB' });
      await page.goto(server.link);
      await page.getByRole('button', { name: 'English' }).click();
      await page.getByRole('navigation', { name: 'Terreno' }).waitFor();
      const file = join(await mkdtemp(join(tmpdir(), 'terreno-session-')), 'state.json');
      await page.context().storageState({ path: file });
      await page.close();
      await use(file);
    },
    { scope: 'worker' },
  ],

  storageState: async ({ state }, use) => use(state),

  baseURL: async ({ server }, use) => use(server.origin),

  /** What the page complained about: errors, and violations of the content security policy. None may be left. */
  problems: async ({ page }, use) => {
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      // A letter may bring a script along; that its frame refuses it is as it should be.
      const refused = message.text().startsWith("Blocked script execution in 'about:srcdoc'");
      if (message.type() === 'error' && !refused) problems.push(message.text());
    });
    await use(problems);
    expect(problems).toEqual([]);
  },

  /** A page with somebody signed in, on the list of people. */
  console: async ({ page, problems }, use) => {
    expect(problems).toEqual([]);
    await page.goto('/app/people');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await use(page);
  },
});

/** No findings of WCAG 2.2 AA. The frame of a letter runs no script, so it cannot be looked into. */
export async function expectAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).setLegacyMode(true).exclude('iframe').withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  expect(found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual([]);
}

/** Opens the first person of the list. */
export async function openFirstPerson(page: Page): Promise<void> {
  await page.goto('/app/people');
  await page.getByRole('table').getByRole('link').first().click();
  await page.getByRole('tablist').waitFor();
}

export { expect };

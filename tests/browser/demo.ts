// One real Terreno for the whole run: the program itself, on made-up people, in a folder that is thrown away.
// Living its months takes a while, so it starts once, before any test; and its link works once, so the session it gives
// is shared. What tests change, they only add.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type FullConfig } from '@playwright/test';

const program = process.env['TERRENO'] ?? new URL('../../build/dev/src/server/terreno', import.meta.url).pathname;

/** Starts the demonstration and waits until it has printed its link, however long it takes. */
async function start(folder: string): Promise<{ link: string; child: ChildProcess }> {
  const child = spawn(program, ['demo', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
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
  return { link, child };
}

/** Leaves `TERRENO_LINK`, such as `http://127.0.0.1:41234/app/first-run?token=…`, and `TERRENO_SESSION`, a file, to the tests. */
export default async function startDemo(config: FullConfig): Promise<() => Promise<void>> {
  // The key of the installation lies beside its folder, so both get a folder of their own.
  const folder = await mkdtemp(join(tmpdir(), 'terreno-browser-'));
  const { link, child } = await start(folder);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  };
  try {
    const session = join(folder, 'session.json');
    const browser = await chromium.launch(config.projects[0]?.use.launchOptions);
    const page = await browser.newPage({ locale: 'en-GB' });
    await page.goto(link);
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('navigation', { name: 'Terreno' }).waitFor();
    await page.context().storageState({ path: session });
    await browser.close();
    process.env['TERRENO_LINK'] = link;
    process.env['TERRENO_SESSION'] = session;
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

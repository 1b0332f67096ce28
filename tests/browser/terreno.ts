// What the tests share: the running demonstration (demo.ts), its session, and what a page complained about.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

/** The one-time link of the demonstration; it has been used. */
export const link = process.env['TERRENO_LINK'] ?? '';

export const test = base.extend<{ console: Page; problems: string[] }>({
  storageState: process.env['TERRENO_SESSION'],

  baseURL: async ({}, use) => use(new URL(link).origin),

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

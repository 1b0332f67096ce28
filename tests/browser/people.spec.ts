import type { Page } from '@playwright/test';
import { expect, openFirstPerson, test } from './terreno';

/** Opens the first person, of whom somebody has said this. */
async function openKnown(page: Page, attribute: string, value: number | boolean): Promise<void> {
  await openFirstPerson(page);
  const { csrf } = (await (await page.request.get('/api/v1/session')).json()) as { csrf: string };
  const person = new URL(page.url()).pathname.split('/').pop();
  const said = await page.request.post(`/api/v1/people/${person}/corrections`, { headers: { 'X-CSRF-Token': csrf }, data: { attribute, value, rank: 'stated', note: 'On the phone' } });
  expect(said.ok()).toBe(true);
  await page.reload();
}

test('a person is found by a whole identifier, and only by a whole one', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('tab', { name: 'Identity' }).click();
  const identifier = (await page.getByRole('tabpanel').getByRole('cell').first().innerText()).split('\n')[0] ?? '';
  await page.goto('/app/people');
  const search = page.getByRole('main').getByRole('searchbox');
  await search.fill(identifier);
  await search.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('1 person was found.');
  await search.fill(`${identifier}x`);
  await search.press('Enter');
  await expect(page.getByText('Nobody has this identifier')).toBeVisible();
});

test('what a person said on the phone counts before the answer comes back', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('button', { name: 'Add something' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it is about').fill('favourite_season');
  await dialog.getByLabel('What is true').fill('autumn');
  await dialog.getByLabel('Who heard it').fill('Lucía');
  await dialog.getByLabel('How do you know?').fill('She said so on the phone');
  await dialog.getByRole('button', { name: 'Put it right' }).click();
  await expect(dialog).toBeHidden();
  const known = page.getByRole('tabpanel');
  await expect(known.getByText('favourite season', { exact: true })).toBeVisible();
  await expect(known.getByText('autumn', { exact: true })).toBeVisible();
  await page.reload();
  await expect(known.getByText('autumn', { exact: true })).toBeVisible();
});

test('a correction without a reason is not sent', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('button', { name: 'Add something' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it is about').fill('mood');
  await dialog.getByLabel('What is true').fill('calm');
  await dialog.getByRole('button', { name: 'Put it right' }).click();
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});

test('tabs of a person are walked with the arrow keys', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('tab', { name: 'Overview' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Messages' })).toBeFocused();
  await expect(page.getByRole('tab', { name: 'Messages' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('tab', { name: 'Overview' })).toBeFocused();
});

test('a yes that is not so becomes a no, and stays one of the two', async ({ console: page }) => {
  await openKnown(page, 'likes_walks', true);
  await page.getByRole('button', { name: 'That is not so: likes walks' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('Now “likes walks” is yes.')).toBeVisible();
  await expect(dialog.getByRole('radio', { name: 'no', exact: true })).toBeChecked();
  await dialog.getByLabel('How do you know?').fill('She said so at the door');
  const sent = page.waitForRequest('**/corrections');
  await dialog.getByRole('button', { name: 'Put it right' }).click();
  expect(((await sent).postDataJSON() as { value: unknown }).value).toBe(false);
  await expect(dialog).toBeHidden();
});

test('a number is put right by a number only', async ({ console: page }) => {
  await openKnown(page, 'dogs', 2);
  await page.getByRole('button', { name: 'That is not so: dogs' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is true').fill('three');
  await dialog.getByLabel('How do you know?').fill('She said so on the phone');
  await expect(dialog.getByText('This is a number')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Put it right' })).toBeDisabled();
  await dialog.getByLabel('What is true').fill('3');
  const sent = page.waitForRequest('**/corrections');
  await dialog.getByRole('button', { name: 'Put it right' }).click();
  expect(((await sent).postDataJSON() as { value: unknown }).value).toBe(3);
  await expect(dialog).toBeHidden();
});

test('stopping e-mail only says that it stops e-mail only', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('button', { name: 'Stop everything' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/at all that come later/)).toBeVisible();
  await dialog.getByLabel('E-mail only').check();
  await expect(dialog.getByRole('heading', { name: /^Stop e-mail to / })).toBeVisible();
  await expect(dialog.getByText(/not at others that come later, nor on other channels/)).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Stop e-mail' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Stop everything' })).toHaveCount(0);
});

test('on a phone the tab that is open is in sight', async ({ console: page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openFirstPerson(page);
  await page.goto(`${page.url()}?tab=identity`);
  await expect(page.getByRole('tab', { name: 'Identity' })).toBeInViewport({ ratio: 0.9 });
});

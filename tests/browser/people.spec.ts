import { expect, openFirstPerson, test } from './terreno';

test('a person is found by a whole identifier, and only by a whole one', async ({ console: page }) => {
  await openFirstPerson(page);
  await page.getByRole('tab', { name: 'Identity' }).click();
  const identifier = (await page.getByRole('tabpanel').getByRole('cell').first().innerText()).split('\n')[0] ?? '';
  await page.goto('/app/people');
  const search = page.getByRole('main').getByRole('searchbox');
  await search.fill(identifier);
  await search.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('1 person has this identifier.');
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

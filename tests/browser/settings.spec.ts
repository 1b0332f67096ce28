import { expect, test } from './terreno';

test('a source is made, and its key can be copied', async ({ console: page }) => {
  await page.goto('/app/settings/sources');
  await page.getByRole('button', { name: 'New source' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('newsletter form');
  await dialog.getByLabel('On a server of ours').check();
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  await expect(dialog.getByText('newsletter form may write now')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Copy' })).toBeVisible();
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByRole('cell', { name: /newsletter form/ })).toBeVisible();
});

test('a key can do nothing until somebody says what, and is gone when it is revoked', async ({ console: page }) => {
  await page.goto('/app/settings/sources');
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('report script');
  await expect(dialog.getByRole('button', { name: 'Make the key' })).toBeDisabled();
  await dialog.getByLabel('see people').check();
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  await expect(dialog.getByText(/^tk_/)).toBeVisible();
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('listitem').filter({ hasText: 'report script' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toHaveCount(0);
});

test('the sandbox says on every screen that nothing leaves', async ({ console: page }) => {
  for (const address of ['/app/people', '/app/live', '/app/outbox']) {
    await page.goto(address);
    await expect(page.getByText('Sandbox.')).toBeVisible();
  }
  await page.getByRole('link', { name: 'The way to Live' }).click();
  await expect(page.getByRole('complementary', { name: 'Sandbox, or Live' })).toBeVisible();
});

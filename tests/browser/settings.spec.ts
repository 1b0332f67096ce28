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

test('somebody who was invited can be removed, and is gone from the list', async ({ console: page }) => {
  await page.goto('/app/settings/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Pau Roca');
  await dialog.getByLabel('E-mail').fill('pau@raices.example');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('listitem').filter({ hasText: 'Pau Roca' });
  await row.getByRole('button', { name: 'Remove Pau Roca' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(row).toHaveCount(0);
});

test('what is refused in a form is named as the form names it', async ({ page }) => {
  await page.goto('/app/settings/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(' ');
  await dialog.getByLabel('E-mail').fill('nuria@raices.example');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  await expect(dialog.getByRole('alert')).toHaveText('“Name” is empty. Fill it in.');
});

test('what the sandbox kept is not called sent, by its state nor by Why?', async ({ console: page }) => {
  await page.goto('/app/outbox');
  await page.getByRole('link', { name: 'The whole story' }).click();
  await expect(page.getByRole('complementary', { name: 'What became of it' }).getByText('Kept in the sandbox')).toBeVisible();
  await expect(page.getByText(/mail server/)).toHaveCount(0);
});

test('a look at the lists is in the audit log once, however often they were asked for', async ({ console: page }) => {
  await page.goto('/app/live');
  await page.goto('/app/outbox');
  await page.goto('/app/outbox');
  await page.goto('/app/settings/audit');
  for (const looked of [/looked at a list of people/, /looked at the outbox/, /watched what comes in/]) await expect(page.getByText(looked).first()).toBeVisible();
});

import { expect, expectAccessible, link, test } from './terreno';

test.describe('without a session', () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test('every address leads to the door', async ({ page }) => {
    await page.goto('/app/people?q=ana%40example.org');
    await expect(page).toHaveURL(/\/app\/sign-in\?to=/);
    await expect(page.getByLabel('E-mail address')).toBeVisible();
  });

  test('a wrong password is said beside the button, not as a code', async ({ page }) => {
    await page.goto('/app/sign-in');
    await page.getByLabel('E-mail address').fill('nobody@example.org');
    await page.getByLabel('Password', { exact: true }).fill('not this one');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toHaveText('This address and this password do not belong together.');
  });

  test('a link that was used says that it was used', async ({ page }) => {
    await page.goto(link);
    await page.getByRole('button', { name: 'English' }).click();
    await expect(page.getByRole('alert')).toContainText('This link');
  });
});

test('an invitation leads in with a password of one’s own, once', async ({ console: page, browser }) => {
  await page.goto('/app/settings/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Marta Gil');
  await dialog.getByLabel('E-mail address').fill('marta@raices.example');
  await dialog.getByLabel('What will they do here?').selectOption({ label: 'front line' });
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  const invitation = await dialog.getByText(/\/app\/link\?token=/).innerText();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'Marta Gil' })).toContainText('has not come in yet');

  const guest = await (await browser.newContext({ locale: 'en-GB', storageState: { cookies: [], origins: [] } })).newPage();
  await guest.goto(invitation);
  const password = guest.getByLabel('New password', { exact: true });
  await password.fill('short');
  await guest.getByRole('button', { name: 'Keep it and go in' }).click();
  await expect(guest.getByRole('alert')).toContainText('too short');
  await expectAccessible(guest);
  await password.fill('the river bends twice here');
  await guest.getByRole('button', { name: 'Keep it and go in' }).click();
  await expect(guest.getByRole('navigation', { name: 'Terreno' })).toBeVisible();
  // What is not hers to see is not there.
  await expect(guest.getByRole('link', { name: 'Live events' })).toHaveCount(0);
  await guest.goto(invitation);
  await guest.getByLabel('New password', { exact: true }).fill('the river bends thrice here');
  await guest.getByRole('button', { name: 'Keep it and go in' }).click();
  await expect(guest.getByRole('alert')).toContainText('This link');
  await guest.context().close();
});

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

test('whoever was signed out elsewhere is led to the door by what they ask next, and finds back', async ({ page }) => {
  await page.goto('/app/settings/account');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.context().clearCookies();
  await page.getByRole('navigation', { name: 'Terreno' }).getByRole('link', { name: 'Outbox' }).click();
  await expect(page).toHaveURL(/\/app\/sign-in\?to=%2Foutbox$/);
  await expect(page.getByLabel('E-mail address')).toBeVisible();
});

test('whoever signs out after the session has ended is signed out', async ({ page }) => {
  await page.goto('/app/settings/account');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.context().clearCookies();
  await page.locator('header').getByRole('button').last().click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/app\/sign-in$/);
});

test('a stream that a proxy refuses is opened again, and until then the screen says that it stands still', async ({ page }) => {
  await page.route('**/api/v1/stream', (route) => route.fulfill({ status: 502, body: 'Bad Gateway' }));
  await page.goto('/app/people');
  const paused = page.getByText('The live view is paused');
  await expect(paused).toBeVisible();
  await expectAccessible(page);
  await page.unroute('**/api/v1/stream');
  await expect(paused).toBeHidden();
});

test('time that stands still is said, and one click lets it go on', async ({ page }) => {
  await page.route('**/api/v1/meta', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...((await response.json()) as object), time_held: true } });
  });
  await page.route('**/api/v1/clock', (route) => route.fulfill({ json: { at: '2026-11-19T18:00:00.000Z' } }));
  await page.goto('/app/people');
  const held = page.getByText('Terreno stood still for more than a day');
  await expect(held).toBeVisible();
  await expectAccessible(page);
  const asked = page.waitForRequest('**/api/v1/clock');
  await page.unroute('**/api/v1/meta');
  await page.getByRole('button', { name: 'The clock is right' }).click();
  expect((await asked).postDataJSON()).toEqual({ accept: true });
  await expect(held).toBeHidden();
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
  await expect(guest.getByRole('alert')).toHaveText(/too short.*at least 12 characters/);
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

import { expect, link, test } from './terreno';

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

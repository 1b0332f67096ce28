import { expect, expectAccessible, openFirstPerson, test } from './terreno';

const screens = ['/app/people', '/app/people?q=nobody%40nowhere.example', '/app/live', '/app/outbox', '/app/settings/sources', '/app/settings/sender', '/app/settings/users', '/app/settings/audit', '/app/settings/account'];

for (const scheme of ['light', 'dark'] as const) {
  test.describe(`in the ${scheme} scheme`, () => {
    test.use({ colorScheme: scheme });
    for (const address of screens) {
      test(`${address} has one heading, nothing to complain of and no finding of axe`, async ({ console: page }) => {
        await page.goto(address);
        await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
        await expect(page.getByRole('status', { name: 'On its way' })).toHaveCount(0);
        await expectAccessible(page);
      });
    }

    test('each part of a person is accessible', async ({ console: page }) => {
      await openFirstPerson(page);
      for (const tab of ['Overview', 'Messages', 'Journeys', 'Permissions', 'Identity']) {
        await page.getByRole('tab', { name: tab }).click();
        await expect(page.getByRole('tabpanel', { name: tab })).toBeVisible();
        await expectAccessible(page);
      }
    });
  });
}

test('on a phone of 360 px nothing is wider than the screen', async ({ console: page }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  for (const address of screens) {
    await page.goto(address);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await expect(page.getByRole('status', { name: 'On its way' })).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), address).toBeLessThanOrEqual(360);
  }
});

test('the list of events ends where its heading ends', async ({ console: page }) => {
  await page.goto('/app/live');
  const row = await page.getByRole('list', { name: 'Live events' }).getByRole('button').first().boundingBox();
  const pause = await page.getByRole('button', { name: 'Pause' }).boundingBox();
  expect((row?.x ?? 0) + (row?.width ?? 0)).toBeCloseTo((pause?.x ?? 0) + (pause?.width ?? 0), 0);
});

test('an address that does not exist says so, and leads back', async ({ page, problems }) => {
  expect(problems).toEqual([]);
  await page.goto('/app/nowhere');
  await expect(page.getByText('There is nothing at this address')).toBeVisible();
  await page.getByRole('link', { name: 'Go to people' }).click();
  await expect(page).toHaveURL(/\/app\/people/);
});

import { expect, expectAccessible, test } from './terreno';

/** The link behind “Choose what I get” of a letter that the sandbox caught. */
const ofPreferences = /(?:Elegir qué recibo|Choisir mes sujets|Choose what I get): (\S+)/;

test('a letter leads to its page of preferences, which looks the same in the dark and keeps what is saved', async ({ console: page }) => {
  const outbox = await page.request.get('/api/v1/outbox');
  expect(outbox.ok()).toBe(true);
  let link: string | undefined;
  for (const letter of ((await outbox.json()) as { items: { id: string }[] }).items) {
    const whole = await page.request.get(`/api/v1/outbox/${letter.id}`);
    link = ofPreferences.exec(((await whole.json()) as { text: string }).text)?.[1];
    if (link !== undefined) break;
  }
  if (link === undefined) throw new Error('no letter of the outbox has a link to preferences');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(new URL(link).pathname);
  const topics = page.getByRole('checkbox');
  await expect(topics.first()).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await expect(page.locator('html')).toHaveJSProperty('scrollWidth', 390);

  // With the keyboard alone: the first choice the other way round, then the button.
  const before = await topics.first().isChecked();
  const status = page.getByRole('status');
  await expect(status).toBeHidden();
  await topics.first().focus();
  await page.keyboard.press('Space');
  await page.getByRole('button').first().focus();
  await page.keyboard.press('Enter');
  await expect(status).toBeVisible();
  await expect(topics.first()).toBeChecked({ checked: !before });
  await expectAccessible(page);
  await page.goto(new URL(link).pathname);
  await expect(topics.first()).toBeChecked({ checked: !before });
});

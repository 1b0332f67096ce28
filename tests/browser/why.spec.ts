import { expect, expectAccessible, test } from './terreno';

test('Why? of a message is one sentence, then gates, and its address shows the same to a colleague', async ({ console: page }) => {
  await page.goto('/app/outbox');
  await page.getByRole('button', { name: /^Why\? / }).first().click();
  const panel = page.getByRole('complementary', { name: 'Why?' });
  await expect(panel.getByRole('listitem').first()).toBeVisible();
  await expect(panel.getByRole('listitem').filter({ hasText: '(passed)' }).first()).toBeVisible();
  const sentence = await panel.locator('.lead').innerText();
  expect(sentence).not.toMatch(/[a-z]+_[a-z]+/);
  await expectAccessible(page);
  await page.reload();
  await expect(panel.locator('.lead')).toHaveText(sentence);
});

test('on a phone Why? comes over the page and goes with Escape', async ({ console: page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/app/outbox');
  await page.getByRole('button', { name: /^Why\? / }).first().click();
  const drawer = page.getByRole('dialog', { name: 'Why?' });
  await expect(drawer).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
});

test('a caught letter is shown in a frame that can run nothing', async ({ console: page }) => {
  await page.goto('/app/outbox');
  const frame = page.getByTitle('The letter as it was sent');
  await expect(frame).toBeVisible();
  const sandbox = (await frame.getAttribute('sandbox')) ?? '';
  expect(sandbox).not.toContain('allow-scripts');
  expect(sandbox).not.toContain('allow-same-origin');
  await page.getByRole('link', { name: 'The whole story' }).click();
  await expect(page.getByRole('complementary', { name: 'What became of it' }).getByText('Decided: yes')).toBeVisible();
});

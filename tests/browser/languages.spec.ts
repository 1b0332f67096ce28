import { expect, test } from './terreno';

const languages = [
  { name: 'Español', lang: 'es', people: 'Personas', why: '¿Por qué?' },
  { name: 'Français', lang: 'fr', people: 'Personnes', why: 'Pourquoi ?' },
  { name: 'English', lang: 'en', people: 'People', why: 'Why?' },
];

test('the language changes everywhere at once, and is remembered', async ({ console: page }) => {
  for (const language of languages) {
    await page.locator('header').getByRole('button').last().click();
    await page.getByRole('menuitemradio', { name: language.name }).click();
    await expect(page.getByRole('navigation', { name: 'Terreno' }).getByRole('link', { name: language.people })).toBeVisible();
    await expect(page.locator('html')).toHaveAttribute('lang', language.lang);
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('lang', language.lang);
  }
});

test('colours follow the choice and not only the device', async ({ console: page }) => {
  const scheme = page.locator('html');
  await page.locator('header').getByRole('button').last().click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await expect(scheme).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.reload();
  await expect(scheme).toHaveAttribute('data-mantine-color-scheme', 'dark');
});

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { type Language, languages } from './format';
import { type Texts, tied } from './french';

// One file for each language and subject. Only the language in use is loaded; English waits for nobody, because a key
// missing in one language fails the build.
const files = import.meta.glob<Texts>('../../texts/*/*.json', { import: 'default' });

export const namespaces = ['common', 'session', 'events', 'people', 'messages', 'settings', 'why', 'problems'] as const;

const remembered = 'terreno.language';

/** The language to begin with: the one chosen on this device, otherwise the browser's first that we speak. */
export function firstLanguage(): Language {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(remembered);
  } catch {
    chosen = null;
  }
  const wanted = [chosen, ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return languages.find((language) => language === wanted.find((tag) => languages.some((known) => known === tag))) ?? 'en';
}

async function load(language: Language): Promise<void> {
  await Promise.all(
    namespaces.map(async (namespace) => {
      if (i18next.hasResourceBundle(language, namespace)) return;
      const file = files[`../../texts/${language}/${namespace}.json`];
      if (file === undefined) return;
      const texts = await file();
      i18next.addResourceBundle(language, namespace, language === 'fr' ? tied(texts) : texts);
    }),
  );
}

/** Begins with a language; resolves when its texts are there. */
export async function startTexts(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    ns: namespaces,
    defaultNS: 'common',
    resources: {},
    keySeparator: '.',
    interpolation: { escapeValue: false },
    returnEmptyString: false,
    react: { useSuspense: false },
  });
  await chooseLanguage(language);
}

/** Changes the language everywhere, and remembers it on this device. */
export async function chooseLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(remembered, language);
  } catch {
    // Private windows refuse storage; the choice then lasts as long as the window.
  }
}

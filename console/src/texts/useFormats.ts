import { createContext, use, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Formats, formatsFor, languages } from './format';

/** The organisation's time zone; the console shows all times in it, whoever looks and from where. */
export const ZoneContext = createContext('UTC');

/** Formatters for the language and zone in force. */
export function useFormats(): Formats {
  const zone = use(ZoneContext);
  const { i18n } = useTranslation();
  const language = languages.find((known) => known === i18n.language) ?? 'en';
  return useMemo(() => formatsFor(language, zone), [language, zone]);
}

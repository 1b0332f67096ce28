import { useTranslation } from 'react-i18next';
import { useFormats } from '../texts/useFormats';
import { keyText, valueText } from './valueText';

/** What we know, as it is read: the word for an attribute, and its value in the reader's language where it is a code. */
export function useShownValue(): { label: (name: string) => string; shown: (name: string, value: unknown) => string } {
  const { t } = useTranslation('people');
  const formats = useFormats();
  return {
    label: (name) => t(`attribute.${name}`, { defaultValue: keyText(name) }),
    shown: (name, value) => {
      if (typeof value === 'boolean') return t(value ? 'common:yes' : 'common:no');
      if (typeof value === 'string' && name === 'language') return formats.languageName(value);
      if (typeof value === 'string' && name === 'country') return formats.regionName(value);
      return valueText(value);
    },
  };
}

import { useTranslation } from 'react-i18next';
import { Segmented } from '../ui/fields';
import type { LetterView } from './Letter';

export function ViewChoice({ view, onChange }: { view: LetterView; onChange: (view: LetterView) => void }) {
  const { t } = useTranslation('messages');
  return (
    <Segmented
      label={t('letter.view')}
      value={view}
      choices={[
        { value: 'wide', label: '600' },
        { value: 'narrow', label: '360' },
        { value: 'text', label: t('letter.text') },
      ]}
      onChange={onChange}
    />
  );
}

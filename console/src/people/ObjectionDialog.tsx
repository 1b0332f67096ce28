import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, idempotencyKey, take } from '../api/client';
import { personQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { RadioField, TextArea } from '../ui/fields';
import { IconHandStop } from '../ui/icons';
import { FormDialog } from '../ui/FormDialog';
import { addressCount } from './addresses';
import type { PersonData } from './Person';

/** Stop everything: irreversible by us, so it says its size and asks why. */
export function ObjectionDialog({ person, name, onClose }: { person: PersonData; name: string; onClose: () => void }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const cache = useQueryClient();
  const [where, setWhere] = useState<'all' | 'email'>('all');
  const [note, setNote] = useState('');
  const [key] = useState(idempotencyKey);
  const count = addressCount(person.identifiers, where);
  const object = useMutation({
    mutationFn: () =>
      take(
        api.POST('/api/v1/people/{id}/objections', {
          params: { path: { id: person.person_id }, header: { 'Idempotency-Key': key } },
          body: { note: note.trim(), ...(where === 'email' ? { channel: 'email' as const } : {}) },
        }),
      ),
    onSuccess: (changed) => {
      cache.setQueryData(personQuery(person.person_id).queryKey, changed);
      void cache.invalidateQueries({ queryKey: ['person', person.person_id] });
      onClose();
    },
  });
  return (
    <FormDialog
      title={t(`object.title_${where}`, { name })}
      button={
        <>
          <IconHandStop />
          {t(`object.button_${where}`)}
        </>
      }
      kind="stop"
      busy={object.isPending}
      trouble={<FormTrouble error={object.error} />}
      onSubmit={() => object.mutate()}
      onClose={onClose}
    >
      <p>{count === 0 ? t('object.text_unknown') : t(`object.text_${where}`, { n: formats.number(count), count })}</p>
      {/* Without an e-mail address there is nothing to stop by e-mail: only everything, for what comes to be known. */}
      {addressCount(person.identifiers, 'email') > 0 && (
        <RadioField
          label={t('object.where')}
          value={where}
          choices={[
            { value: 'all', label: t('object.all') },
            { value: 'email', label: t('object.email') },
          ]}
          onChange={setWhere}
        />
      )}
      <TextArea label={t('object.note')} hint={t('object.note_hint')} required maxLength={2000} rows={2} value={note} onChange={setNote} />
    </FormDialog>
  );
}

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, idempotencyKey, type Schemas, take } from '../api/client';
import { personQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { RadioField, TextArea, TextField } from '../ui/fields';
import { Dialog } from '../ui/Panel';
import { parseAs, valueText } from './valueText';

interface CorrectionDialogProps {
  personId: string;
  /** Absent for something that is not known yet. */
  attribute: Schemas['Attribute'] | undefined;
  onClose: () => void;
}

/** That is not so. Who says it decides what outranks it later, so that is asked first. */
export function CorrectionDialog({ personId, attribute, onClose }: CorrectionDialogProps) {
  const { t } = useTranslation('people');
  const cache = useQueryClient();
  const [name, setName] = useState(attribute?.name ?? '');
  const [rank, setRank] = useState<'stated' | 'corrected'>('stated');
  const [value, setValue] = useState('');
  const [heardBy, setHeardBy] = useState('');
  const [note, setNote] = useState('');
  const [key] = useState(idempotencyKey);
  const correct = useMutation({
    mutationFn: () =>
      take(
        api.POST('/api/v1/people/{id}/corrections', {
          params: { path: { id: personId }, header: { 'Idempotency-Key': key } },
          body: { attribute: name.trim(), value: parseAs(value, attribute?.value), rank, note: note.trim(), ...(heardBy.trim() === '' ? {} : { heard_by: heardBy.trim() }) },
        }),
      ),
    onSuccess: (person) => {
      cache.setQueryData(personQuery(personId).queryKey, person);
      void cache.invalidateQueries({ queryKey: ['person', personId, 'timeline'] });
      onClose();
    },
  });
  return (
    <Dialog title={t(attribute === undefined ? 'correct.title_new' : 'correct.title')} closeLabel={t('common:close')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          correct.mutate();
        }}
      >
        {attribute === undefined ? (
          <TextField label={t('correct.attribute')} required maxLength={200} value={name} onChange={setName} />
        ) : (
          <p>{t('correct.now', { attribute: attribute.name, value: valueText(attribute.value) })}</p>
        )}
        <TextField label={t('correct.value')} required value={value} onChange={setValue} />
        <RadioField
          label={t('correct.who')}
          value={rank}
          choices={[
            { value: 'stated', label: t('correct.stated'), hint: t('correct.stated_hint') },
            { value: 'corrected', label: t('correct.corrected'), hint: t('correct.corrected_hint') },
          ]}
          onChange={setRank}
        />
        {rank === 'stated' && <TextField label={t('correct.heard_by')} maxLength={200} value={heardBy} onChange={setHeardBy} />}
        <TextArea label={t('correct.note')} hint={t('correct.note_hint')} required maxLength={2000} rows={2} value={note} onChange={setNote} />
        <FormTrouble error={correct.error} />
        <div className="actions">
          <Button kind="primary" submit busy={correct.isPending}>
            {t('correct.button')}
          </Button>
          <Button kind="bare" onClick={onClose}>
            {t('common:cancel')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

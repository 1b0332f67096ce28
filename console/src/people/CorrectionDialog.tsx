import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, idempotencyKey, type Schemas, take } from '../api/client';
import { personQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { RadioField, TextArea, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { attributeMeant, wordedAttributes } from './attributeNames';
import { useShownValue } from './useShownValue';
import { parseAs } from './valueText';

interface CorrectionDialogProps {
  personId: string;
  known: readonly Schemas['Attribute'][];
  /** Absent for something that is not known yet. */
  attribute: Schemas['Attribute'] | undefined;
  onClose: () => void;
}

/** That is not so. Who says it decides what outranks it later, so that is asked first. */
export function CorrectionDialog({ personId, known, attribute, onClose }: CorrectionDialogProps) {
  const { t } = useTranslation('people');
  const cache = useQueryClient();
  const { label, shown } = useShownValue();
  const [name, setName] = useState(attribute?.name ?? '');
  const [rank, setRank] = useState<'stated' | 'corrected'>('stated');
  const [value, setValue] = useState('');
  const [heardBy, setHeardBy] = useState('');
  const [note, setNote] = useState('');
  const [key] = useState(idempotencyKey);
  // Who writes the label of something known means that.
  const meant = attribute === undefined ? attributeMeant(name, known.map((each) => each.name), label) : attribute.name;
  const suggestions = [...new Set([...known.map((each) => each.name), ...wordedAttributes].map(label))];
  const before = attribute ?? known.find((each) => each.name === meant);
  const isYesOrNo = typeof before?.value === 'boolean';
  // Who says that a yes is not so means no: the other one is chosen already.
  const [yes, setYes] = useState<'yes' | 'no'>();
  const answer = yes ?? (before?.value === true ? 'no' : 'yes');
  const wanted = isYesOrNo ? answer === 'yes' : parseAs(value, before?.value);
  const correct = useMutation({
    mutationFn: (truth: string | number | boolean) =>
      take(
        api.POST('/api/v1/people/{id}/corrections', {
          params: { path: { id: personId }, header: { 'Idempotency-Key': key } },
          body: { attribute: meant, value: truth, rank, note: note.trim(), ...(heardBy.trim() === '' ? {} : { heard_by: heardBy.trim() }) },
        }),
      ),
    onSuccess: (person) => {
      cache.setQueryData(personQuery(personId).queryKey, person);
      void cache.invalidateQueries({ queryKey: ['person', personId, 'timeline'] });
      onClose();
    },
  });
  return (
    <FormDialog
      title={t(attribute === undefined ? 'correct.title_new' : 'correct.title')}
      button={t('correct.button')}
      busy={correct.isPending}
      trouble={<FormTrouble error={correct.error} />}
      disabled={wanted === undefined}
      onSubmit={() => {
        if (wanted !== undefined) correct.mutate(wanted);
      }}
      onClose={onClose}
    >
      {attribute === undefined && <TextField label={t('correct.attribute')} hint={t('correct.attribute_hint')} required maxLength={200} suggestions={suggestions} value={name} onChange={setName} />}
      {before !== undefined && <p role="status">{t(attribute === undefined ? 'correct.known' : 'correct.now', { attribute: label(before.name), value: shown(before.name, before.value) })}</p>}
      {isYesOrNo ? (
        <RadioField
          label={t('correct.value')}
          value={answer}
          choices={[
            { value: 'yes', label: t('common:yes') },
            { value: 'no', label: t('common:no') },
          ]}
          onChange={setYes}
        />
      ) : (
        <TextField label={t('correct.value')} required value={value} onChange={setValue} {...(wanted === undefined && value !== '' ? { error: t('correct.not_a_number') } : {})} />
      )}
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
    </FormDialog>
  );
}

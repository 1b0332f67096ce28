import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { sourcesQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { RadioField, TextField } from '../ui/fields';
import { CopyLine } from '../ui/parts';
import { FormDialog } from '../ui/FormDialog';
import { Dialog } from '../ui/Panel';

/** A new source: where its key will lie decides how much weight its words have. */
export function SourceDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [visibility, setVisibility] = useState<Schemas['Visibility']>('public');
  const create = useMutation({
    mutationFn: () => take(api.POST('/api/v1/sources', { body: { name: name.trim(), visibility } })),
    onSuccess: () => void cache.invalidateQueries(sourcesQuery),
  });
  if (create.data !== undefined) return <ShownOnce title={t('sources.made', { name: create.data.name })} text={t(create.data.visibility === 'secret' ? 'key_shown_once' : 'key_again')} copied={create.data.write_key} onClose={onClose} />;
  return (
    <FormDialog
      title={t('sources.new')}
      button={t('sources.make')}
      busy={create.isPending}
      trouble={<FormTrouble error={create.error} />}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextField label={t('sources.name')} hint={t('sources.name_hint')} required maxLength={100} value={name} onChange={setName} />
      <RadioField
        label={t('sources.where')}
        value={visibility}
        choices={[
          { value: 'public', label: t('sources.public_choice'), hint: t('sources.public_hint') },
          { value: 'secret', label: t('sources.secret_choice'), hint: t('sources.secret_hint') },
        ]}
        onChange={setVisibility}
      />
    </FormDialog>
  );
}

/** What was made, to be taken along: a key, a link. */
export function ShownOnce({ title, text, copied, onClose }: { title: string; text: string; copied: string; onClose: () => void }) {
  const { t } = useTranslation('settings');
  return (
    <Dialog title={title} closeLabel={t('common:close')} onClose={onClose}>
      <p>{text}</p>
      <CopyLine text={copied} label={t('common:copy')} copiedLabel={t('common:copied')} />
      <div className="actions">
        <Button kind="primary" onClick={onClose}>
          {t('key_kept')}
        </Button>
      </div>
    </Dialog>
  );
}

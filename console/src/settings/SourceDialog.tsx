import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { sourcesQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { RadioField, TextField } from '../ui/fields';
import { CopyLine } from '../ui/parts';
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
  if (create.data !== undefined) return <KeyShown title={t('sources.made', { name: create.data.name })} token={create.data.write_key} once={create.data.visibility === 'secret'} onClose={onClose} />;
  return (
    <Dialog title={t('sources.new')} closeLabel={t('common:close')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
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
        <FormTrouble error={create.error} />
        <div className="actions">
          <Button kind="primary" submit busy={create.isPending}>
            {t('sources.make')}
          </Button>
          <Button kind="bare" onClick={onClose}>
            {t('common:cancel')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface KeyShownProps {
  title: string;
  token: string;
  /** It is kept as a hash: nobody can show it again. */
  once: boolean;
  onClose: () => void;
}

export function KeyShown({ title, token, once, onClose }: KeyShownProps) {
  const { t } = useTranslation('settings');
  return (
    <Dialog title={title} closeLabel={t('common:close')} onClose={onClose}>
      <p>{t(once ? 'key_once' : 'key_again')}</p>
      <CopyLine text={token} label={t('common:copy')} copiedLabel={t('common:copied')} />
      <div className="actions">
        <Button kind="primary" onClick={onClose}>
          {t('key_kept')}
        </Button>
      </div>
    </Dialog>
  );
}

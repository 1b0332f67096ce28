import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { keysQuery, sessionQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { CheckField, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { ShownOnce } from './SourceDialog';

type Scope = Schemas['Scope'];

/** A new key: nobody can give it more than they may do themselves, so only that is offered. */
export function KeyDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const { data: session } = useQuery(sessionQuery);
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>([]);
  const create = useMutation({
    mutationFn: () => take(api.POST('/api/v1/keys', { body: { name: name.trim(), scopes: [...scopes] } })),
    onSuccess: () => void cache.invalidateQueries(keysQuery),
  });
  if (create.data !== undefined) return <ShownOnce title={t('keys.made', { name: create.data.name })} text={t('key_once')} copied={create.data.token} onClose={onClose} />;
  return (
    <FormDialog
      title={t('keys.new')}
      button={t('keys.make')}
      busy={create.isPending}
      disabled={scopes.length === 0}
      trouble={<FormTrouble error={create.error} />}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextField label={t('keys.name')} hint={t('keys.name_hint')} required maxLength={100} value={name} onChange={setName} />
      <fieldset className="scopes">
        <legend>{t('keys.scopes')}</legend>
        {session?.user.scopes.map((scope) => (
          <CheckField
            key={scope}
            label={t(`scope.${scope.replace(':', '_')}`, { defaultValue: scope })}
            checked={scopes.includes(scope)}
            onChange={(checked) => setScopes((before) => (checked ? [...before, scope] : before.filter((each) => each !== scope)))}
          />
        ))}
      </fieldset>
    </FormDialog>
  );
}

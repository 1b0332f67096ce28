import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { keysQuery, sessionQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { CheckField, TextField } from '../ui/fields';
import { Dialog } from '../ui/Panel';
import { KeyShown } from './SourceDialog';

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
  if (create.data !== undefined) return <KeyShown title={t('keys.made', { name: create.data.name })} token={create.data.token} once onClose={onClose} />;
  return (
    <Dialog title={t('keys.new')} closeLabel={t('common:close')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
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
        <FormTrouble error={create.error} />
        <div className="actions">
          <Button kind="primary" submit busy={create.isPending} disabled={scopes.length === 0}>
            {t('keys.make')}
          </Button>
          <Button kind="bare" onClick={onClose}>
            {t('common:cancel')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

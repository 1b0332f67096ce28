import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { keysQuery } from '../api/queries';
import { FormTrouble, Trouble } from '../shell/Trouble';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { Section, Waiting } from '../ui/parts';
import { FormDialog } from '../ui/FormDialog';
import { KeyDialog } from './KeyDialog';

type Key = Schemas['Key'];

/** Keys for programs. Each is shown once; afterwards only its beginning and end. */
export function Keys() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const may = useScopes();
  const keys = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key>();
  return (
    <Section
      title={t('keys.title')}
      aside={
        may('keys:write') && (
          <Button small onClick={() => setCreating(true)}>
            {t('keys.new')}
          </Button>
        )
      }
    >
      {keys.isError && <Trouble error={keys.error} retry={() => void keys.refetch()} />}
      {keys.isPending && <Waiting label={t('common:loading')} rows={2} />}
      {keys.data?.items.length === 0 && <p className="none">{t('keys.none')}</p>}
      <ul className="rows">
        {keys.data?.items.map((key) => (
          <li key={key.id} className="row">
            <div className="grow">
              <p>
                <b>{key.name}</b> <span className="mono quiet">{key.key_hint}</span>
              </p>
              <p className="sub">
                {key.scopes.map((scope) => t(`scope.${scope.replace(':', '_')}`, { defaultValue: scope })).join(', ')} · {key.last_used_at === null ? t('keys.never_used') : t('keys.used', { moment: formats.moment(key.last_used_at) })}
              </p>
            </div>
            {may('keys:write') && (
              <Button small kind="stop" onClick={() => setRevoking(key)}>
                {t('keys.revoke')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {creating && <KeyDialog onClose={() => setCreating(false)} />}
      {revoking !== undefined && <Revoke apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </Section>
  );
}

function Revoke({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => take(api.DELETE('/api/v1/keys/{id}', { params: { path: { id: apiKey.id } } })),
    onSuccess: () => {
      void cache.invalidateQueries(keysQuery);
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('keys.revoke_title', { name: apiKey.name })}
      button={t('keys.revoke')}
      kind="stop"
      busy={revoke.isPending}
      trouble={<FormTrouble error={revoke.error} />}
      onSubmit={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>{t('keys.revoke_text')}</p>
    </FormDialog>
  );
}

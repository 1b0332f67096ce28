import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { metaQuery, senderQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { SecretField } from '../ui/fields';
import { IconCircleCheck, IconCircleDashed, IconFlask, IconSend } from '../ui/icons';
import { FormDialog } from '../ui/FormDialog';
import { Panel } from '../ui/Panel';
import { Section } from '../ui/parts';
import type { SenderData } from './Sender';

/** Sandbox, or Live: what is still missing, and what happens on switching. */
export function ModePanel({ sender }: { sender: SenderData }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const may = useScopes();
  const cache = useQueryClient();
  const [asking, setAsking] = useState(false);
  const change = useMutation({
    mutationFn: (to: { mode: 'live'; password: string } | { mode: 'sandbox' }) => take(api.PUT('/api/v1/sender', { body: { version: sender.version, ...to } })),
    onSuccess: (saved) => {
      cache.setQueryData(senderQuery.queryKey, saved);
      void cache.invalidateQueries(metaQuery);
      setAsking(false);
    },
  });
  const live = sender.mode === 'live';
  const count = sender.outbox_count ?? 0;
  return (
    <Panel
      name={t('mode.title')}
      title={t('mode.title')}
      closeLabel={t('common:close')}
      footer={
        may('sender:write') &&
        (live ? (
          <Button busy={change.isPending} onClick={() => change.mutate({ mode: 'sandbox' })}>
            {t('mode.go_sandbox')}
          </Button>
        ) : (
          <>
            <Button kind="primary" disabled={sender.missing.length > 0} onClick={() => setAsking(true)}>
              {t('mode.go_live')}
            </Button>
            {sender.missing.length > 0 && <span className="sm quiet">{t('mode.left', { n: formats.number(sender.missing.length), count: sender.missing.length })}</span>}
          </>
        ))
      }
    >
      <div className="mode">
        <p className={`mode-now ${live ? 'fine' : 'note'}`}>
          {live ? <IconSend /> : <IconFlask />}
          <b>{t(live ? 'mode.live' : 'mode.sandbox')}</b>
        </p>
        <p className="quiet sm">
          {t(live ? 'mode.live_text' : 'mode.sandbox_text')}{' '}
          {!live && count > 0 && <Link to="/outbox">{t('mode.outbox', { n: formats.number(count), count })}</Link>}
        </p>
        <Section title={t('mode.ready')}>
          <ul className="todo">
            {sender.missing.length === 0 && (
              <li className="fine">
                <IconCircleCheck />
                <span className="ink">{t('mode.all_ready')}</span>
              </li>
            )}
            {sender.missing.map((field) => (
              <li key={field}>
                <span className="held">
                  <IconCircleDashed />
                </span>
                <span>{t(`field.${field}`, { defaultValue: field })}</span>
              </li>
            ))}
          </ul>
        </Section>
        {!live && (
          <Section title={t('mode.when')}>
            <p className="none sm">{t('mode.when_text')}</p>
          </Section>
        )}
        {!asking && <FormTrouble error={change.error} />}
      </div>
      {asking && <GoLive busy={change.isPending} error={change.error} onGo={(password) => change.mutate({ mode: 'live', password })} onClose={() => setAsking(false)} />}
    </Panel>
  );
}

function GoLive({ busy, error, onGo, onClose }: { busy: boolean; error: unknown; onGo: (password: string) => void; onClose: () => void }) {
  const { t } = useTranslation('settings');
  const [password, setPassword] = useState('');
  return (
    <FormDialog
      title={t('mode.go_live')}
      button={t('mode.go_live')}
      busy={busy}
      trouble={<FormTrouble error={error} />}
      onSubmit={() => onGo(password)}
      onClose={onClose}
    >
      <p>{t('mode.confirm')}</p>
      <SecretField label={t('session:password')} showLabel={t('session:show_password')} autoComplete="current-password" required value={password} onChange={setPassword} />
    </FormDialog>
  );
}

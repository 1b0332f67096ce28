import './settings.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { metaQuery, sessionQuery, usersQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { SecretField, TextField } from '../ui/fields';
import { Section } from '../ui/parts';

/** One's own name and password. The language is this browser's, chosen in the menu. */
export function Account() {
  const { t } = useTranslation('settings');
  const { data: session } = useQuery(sessionQuery);
  const { data: meta } = useQuery(metaQuery);
  return (
    <Screen crumbs={[{ label: t('common:nav.settings') }, { label: t('common:nav.account') }]} settings>
      <div className="head">
        <h1>{session === undefined ? t('account.title') : t('account.sentence', { name: session.user.name })}</h1>
      </div>
      <div className="body-pad">
        {session !== undefined && <Who key={session.user.id} user={session.user} />}
        {meta?.sample_data === true ? (
          <Section title={t('account.password')}>
            <p className="none">{t('account.demo')}</p>
          </Section>
        ) : (
          <Password />
        )}
      </div>
    </Screen>
  );
}

function Who({ user }: { user: Schemas['User'] }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const [name, setName] = useState(user.name);
  const isChanged = name.trim() !== user.name;
  const save = useMutation({
    mutationFn: () => take(api.PATCH('/api/v1/session', { body: { name: name.trim() } })),
    onSuccess: () => Promise.all([cache.invalidateQueries(sessionQuery), cache.invalidateQueries(usersQuery)]),
  });
  return (
    <Section title={t('account.who')}>
      <form
        className="sender-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <TextField label={t('users.name')} name="name" autoComplete="name" required maxLength={200} value={name} onChange={setName} />
        <FormTrouble error={save.error} />
        <Done button={t('account.save')} busy={save.isPending} disabled={!isChanged || name.trim() === ''} done={save.isSuccess && !isChanged ? t('account.saved') : undefined} />
      </form>
    </Section>
  );
}

function Password() {
  const { t } = useTranslation('settings');
  const [now, setNow] = useState('');
  const [wanted, setWanted] = useState('');
  const change = useMutation({
    mutationFn: () => take(api.PUT('/api/v1/session/password', { body: { password: now, new_password: wanted } })),
    onSuccess: () => {
      setNow('');
      setWanted('');
    },
  });
  const isEmpty = now === '' && wanted === '';
  return (
    <Section title={t('account.password')}>
      <form
        className="sender-form"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <SecretField label={t('account.password_now')} showLabel={t('session:show_password')} name="current" autoComplete="current-password" required value={now} onChange={setNow} />
        <SecretField label={t('account.password_new')} hint={t('account.password_hint')} showLabel={t('session:show_password')} name="new" autoComplete="new-password" required value={wanted} onChange={setWanted} />
        <FormTrouble error={change.error} />
        <Done button={t('account.password_change')} busy={change.isPending} disabled={now === '' || wanted === ''} done={change.isSuccess && isEmpty ? t('account.password_changed') : undefined} />
      </form>
    </Section>
  );
}

function Done({ button, busy, disabled, done }: { button: string; busy: boolean; disabled: boolean; done: string | undefined }) {
  return (
    <div className="actions">
      <Button submit busy={busy} disabled={disabled}>
        {button}
      </Button>
      {done !== undefined && (
        <span role="status" className="quiet sm">
          {done}
        </span>
      )}
    </div>
  );
}

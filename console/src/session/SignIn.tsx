import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { SecretField, TextField } from '../ui/fields';
import { Gate } from './Gate';
import { useEnter } from './useEnter';

export function SignIn() {
  const { t } = useTranslation('session');
  const { to } = useSearch({ from: '/sign-in' });
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const cache = useQueryClient();
  const enter = useEnter(cache);
  const signIn = useMutation({
    mutationFn: () => take(api.POST('/api/v1/session', { body: { email: email.trim(), password } })),
    onSuccess: (session) => enter(session, to),
  });
  return (
    <Gate title={t('sign_in.title')}>
      <h1>{t('sign_in.title')}</h1>
      <p>{t('sign_in.text')}</p>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          signIn.mutate();
        }}
      >
        <TextField label={t('email')} type="email" name="email" autoComplete="username" required value={email} onChange={setEmail} />
        <SecretField label={t('password')} showLabel={t('show_password')} name="password" autoComplete="current-password" required value={password} onChange={setPassword} />
        <FormTrouble error={signIn.error} />
        <div className="actions">
          <Button kind="primary" submit busy={signIn.isPending}>
            {t('sign_in.button')}
          </Button>
        </div>
      </form>
    </Gate>
  );
}

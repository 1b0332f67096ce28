import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { FormTrouble } from '../shell/Trouble';
import { Button } from '../ui/Button';
import { SecretField } from '../ui/fields';
import { Gate } from './Gate';
import { useEnter } from './useEnter';

/** An invitation, or a link for a forgotten password. Both ask for the same one thing, so nobody has to say which it is. */
export function AcceptLink() {
  const { t } = useTranslation('session');
  const { token } = useSearch({ from: '/link' });
  const [password, setPassword] = useState('');
  const cache = useQueryClient();
  const enter = useEnter(cache);
  const accept = useMutation({
    mutationFn: (whole: string) => take(api.POST('/api/v1/links', { body: { token: whole, password } })),
    // The session of somebody else on this device ends here; nothing of what it saw may stay.
    onSuccess: (session) => {
      cache.clear();
      return enter(session);
    },
  });

  if (token === undefined) {
    return (
      <Gate title={t('first_run.no_token_title')}>
        <h1>{t('first_run.no_token_title')}</h1>
        <p>{t('link.no_token_text')}</p>
        <Link to="/sign-in" className="btn">
          {t('sign_in.button')}
        </Link>
      </Gate>
    );
  }
  return (
    <Gate title={t('link.title')}>
      <h1>{t('link.title')}</h1>
      <p>{t('link.text')}</p>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          accept.mutate(token);
        }}
      >
        <SecretField
          label={t('link.password')}
          hint={t('password_hint')}
          showLabel={t('show_password')}
          name="password"
          autoComplete="new-password"
          required
          value={password}
          onChange={setPassword}
        />
        <FormTrouble error={accept.error} />
        <div className="actions">
          <Button kind="primary" submit busy={accept.isPending}>
            {t('link.button')}
          </Button>
        </div>
      </form>
    </Gate>
  );
}

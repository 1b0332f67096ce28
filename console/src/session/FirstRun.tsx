import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { metaQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { type Language, languageNames, languages } from '../texts/format';
import { chooseLanguage } from '../texts/texts';
import { IconArrowRight } from '../ui/icons';
import { Button } from '../ui/Button';
import { SecretField, TextField } from '../ui/fields';
import { Gate } from './Gate';
import { useEnter } from './useEnter';

interface Account {
  email: string;
  name: string;
  password: string;
}

// Each language says "begin" in its own words, whatever is chosen.
const begin: Record<Language, string> = { es: 'Empezar', fr: 'Commencer', en: 'Begin' };

/** The one-time link. A demonstration needs a language and nothing else; a real beginning also its first administrator. */
export function FirstRun() {
  const { t } = useTranslation('session');
  const { token } = useSearch({ from: '/first-run' });
  const meta = useQuery(metaQuery);
  const [language, setLanguage] = useState<Language>();
  const cache = useQueryClient();
  const enter = useEnter(cache);
  const redeem = useMutation({
    mutationFn: ({ chosen, account }: { chosen: Language; account?: Account }) =>
      take(api.POST('/api/v1/first-run', { body: { token: token ?? '', language: chosen, ...account } })),
    onSuccess: (session) => enter(session),
  });
  const choose = async (chosen: Language) => {
    await chooseLanguage(chosen);
    if (meta.data?.sample_data === false) setLanguage(chosen);
    else redeem.mutate({ chosen });
  };

  if (token === undefined) {
    return (
      <Gate title={t('first_run.no_token_title')}>
        <h1>{t('first_run.no_token_title')}</h1>
        <p>{t('first_run.no_token_text')}</p>
        <Link to="/sign-in" className="btn">
          {t('sign_in.button')}
        </Link>
      </Gate>
    );
  }
  if (language !== undefined) {
    return <AccountForm busy={redeem.isPending} error={redeem.error} onDone={(account) => redeem.mutate({ chosen: language, account })} />;
  }
  return (
    <Gate title="Hola. Bonjour. Hello." foot={t(meta.data?.sample_data === false ? 'first_run.foot_own' : 'first_run.foot_sample')}>
      <h1>Hola. Bonjour. Hello.</h1>
      <p>{t(meta.data?.sample_data === false ? 'first_run.text_own' : 'first_run.text_sample')}</p>
      <FormTrouble error={redeem.error} />
      <div className="langs">
        {languages.map((each) => (
          <button key={each} type="button" className="lang" lang={each} disabled={redeem.isPending} onClick={() => void choose(each)}>
            {languageNames[each]}
            <span>
              {begin[each]} <IconArrowRight />
            </span>
          </button>
        ))}
      </div>
    </Gate>
  );
}

function AccountForm({ busy, error, onDone }: { busy: boolean; error: unknown; onDone: (account: Account) => void }) {
  const { t } = useTranslation('session');
  const [account, setAccount] = useState<Account>({ email: '', name: '', password: '' });
  const set = (part: Partial<Account>) => setAccount((before) => ({ ...before, ...part }));
  return (
    <Gate title={t('first_run.account_title')}>
      <h1>{t('first_run.account_title')}</h1>
      <p>{t('first_run.account_text')}</p>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onDone(account);
        }}
      >
        <TextField label={t('name')} autoComplete="name" required maxLength={200} value={account.name} onChange={(name) => set({ name })} />
        <TextField label={t('email')} type="email" autoComplete="username" required value={account.email} onChange={(email) => set({ email })} />
        <SecretField
          label={t('password')}
          hint={t('password_hint')}
          showLabel={t('show_password')}
          autoComplete="new-password"
          required
          value={account.password}
          onChange={(password) => set({ password })}
        />
        <FormTrouble error={error} />
        <div className="actions">
          <Button kind="primary" submit busy={busy}>
            {t('first_run.account_button')}
          </Button>
        </div>
      </form>
    </Gate>
  );
}

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { usersQuery } from '../api/queries';
import { FormTrouble } from '../shell/Trouble';
import { type Language, languageNames, languages } from '../texts/format';
import { useFormats } from '../texts/useFormats';
import { SelectField, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { ShownOnce } from './SourceDialog';

type Role = Schemas['Role'];

const roles: readonly Role[] = ['frontline', 'marketer', 'privacy', 'engineer', 'viewer', 'administrator'];

/** Invites a colleague. Terreno sends them nothing: the link goes by a way that you trust. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation('settings');
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('frontline');
  const [language, setLanguage] = useState<Language>(languages.find((each) => each === i18n.language) ?? 'en');
  const invite = useMutation({
    mutationFn: () => take(api.POST('/api/v1/users', { body: { name: name.trim(), email: email.trim(), role, language } })),
    onSuccess: () => void cache.invalidateQueries(usersQuery),
  });
  if (invite.data !== undefined) return <LinkShown link={invite.data} name={name.trim()} onClose={onClose} />;
  return (
    <FormDialog
      title={t('users.invite')}
      button={t('users.make_link')}
      busy={invite.isPending}
      trouble={<FormTrouble error={invite.error} />}
      onSubmit={() => invite.mutate()}
      onClose={onClose}
    >
      <TextField label={t('users.name')} required maxLength={200} value={name} onChange={setName} />
      <TextField label={t('session:email')} type="email" required value={email} onChange={setEmail} />
      <SelectField
        label={t('users.role')}
        hint={t(`role_hint.${role}`)}
        value={role}
        choices={roles.map((each) => ({ value: each, label: t(`role.${each}`) }))}
        onChange={(chosen) => setRole(roles.find((each) => each === chosen) ?? role)}
      />
      <SelectField
        label={t('common:user.language')}
        value={language}
        choices={languages.map((each) => ({ value: each, label: languageNames[each] }))}
        onChange={(chosen) => setLanguage(languages.find((each) => each === chosen) ?? language)}
      />
    </FormDialog>
  );
}

/** A link to come in by, shown once. */
export function LinkShown({ link, name, onClose }: { link: Schemas['UserLink']; name: string; onClose: () => void }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  return (
    <ShownOnce
      title={t('users.link_title', { name })}
      text={t('users.link_text', { moment: formats.moment(link.expires_at) })}
      copied={`${location.origin}/app/link?token=${encodeURIComponent(link.token)}`}
      onClose={onClose}
    />
  );
}

import './settings.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { sessionQuery, usersQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { FormTrouble, Trouble } from '../shell/Trouble';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button, IconButton } from '../ui/Button';
import { FormDialog } from '../ui/FormDialog';
import { IconBan, IconPlus, IconX } from '../ui/icons';
import { State, Waiting } from '../ui/parts';
import { InviteDialog, LinkShown } from './InviteDialog';

type User = Schemas['User'];

/** Who may sign in, and as what. */
export function Users() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const may = useScopes();
  const users = useQuery(usersQuery);
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<User>();
  const [linked, setLinked] = useState<{ user: User; link: Schemas['UserLink'] }>();
  const items = users.data?.items ?? [];
  return (
    <Screen crumbs={[{ label: t('common:nav.settings') }, { label: t('common:nav.users') }]} settings>
      <div className="head with-action">
        <h1>{users.data === undefined ? t('users.title') : t('users.sentence', { n: formats.number(items.length), count: items.length })}</h1>
        {may('users:write') && (
          <Button kind="primary" onClick={() => setInviting(true)}>
            <IconPlus />
            {t('users.invite')}
          </Button>
        )}
      </div>
      {users.isError && <Trouble error={users.error} retry={() => void users.refetch()} />}
      <div className="body-pad">
        {users.isPending && <Waiting label={t('common:loading')} rows={3} />}
        <ul className="rows">
          {items.map((user) => (
            <Row key={user.id} user={user} onLink={(link) => setLinked({ user, link })} onRemove={() => setRemoving(user)} />
          ))}
        </ul>
      </div>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      {removing !== undefined && <RemoveDialog user={removing} onClose={() => setRemoving(undefined)} />}
      {linked !== undefined && <LinkShown link={linked.link} name={linked.user.name} onClose={() => setLinked(undefined)} />}
    </Screen>
  );
}

function RemoveDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const remove = useMutation({
    mutationFn: () => take(api.DELETE('/api/v1/users/{id}', { params: { path: { id: user.id } } })),
    onSuccess: () => {
      void cache.invalidateQueries(usersQuery);
      onClose();
    },
  });
  return (
    <FormDialog
      title={t('users.remove_title', { name: user.name })}
      button={t('users.remove')}
      kind="stop"
      busy={remove.isPending}
      trouble={<FormTrouble error={remove.error} />}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{t('users.remove_text')}</p>
    </FormDialog>
  );
}

function Row({ user, onLink, onRemove }: { user: User; onLink: (link: Schemas['UserLink']) => void; onRemove: () => void }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const may = useScopes();
  const cache = useQueryClient();
  const { data: session } = useQuery(sessionQuery);
  const path = { params: { path: { id: user.id } } };
  const link = useMutation({ mutationFn: () => take(api.POST('/api/v1/users/{id}/link', path)), onSuccess: onLink });
  const enable = useMutation({
    mutationFn: (enabled: boolean) => take(api.PATCH('/api/v1/users/{id}', { ...path, body: { enabled } })),
    onSuccess: () => void cache.invalidateQueries(usersQuery),
  });
  // Nobody shuts themselves out by a slip, nor needs a link to where they are.
  const changeable = may('users:write') && session !== undefined && session.user.id !== user.id;
  return (
    <li className="row">
      <div className="grow">
        <p>
          <b>{user.name}</b> <span className="quiet">{t(`role.${user.role}`)}</span>
        </p>
        <p className="sub">
          {user.email} · {user.last_seen === null ? t('users.never_seen') : t('users.seen', { moment: formats.moment(user.last_seen) })}
        </p>
        <FormTrouble error={link.error ?? enable.error} />
      </div>
      {!user.enabled && (
        <State tone="stopped" icon={IconBan}>
          {t('users.disabled')}
        </State>
      )}
      {changeable && user.enabled && (
        <Button small label={t('users.link_for', { name: user.name })} busy={link.isPending} onClick={() => link.mutate()}>
          {t('users.link')}
        </Button>
      )}
      {changeable && (
        <Button small kind={user.enabled ? 'stop' : 'plain'} label={t(user.enabled ? 'users.disable_for' : 'users.enable_for', { name: user.name })} busy={enable.isPending} onClick={() => enable.mutate(!user.enabled)}>
          {t(user.enabled ? 'users.disable' : 'users.enable')}
        </Button>
      )}
      {changeable && (
        <IconButton label={t('users.remove_for', { name: user.name })} small onClick={onRemove}>
          <IconX small />
        </IconButton>
      )}
    </li>
  );
}

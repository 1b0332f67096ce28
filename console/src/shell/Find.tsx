import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconSearch } from '../ui/icons';
import { useScopes } from './useScopes';

/** Finds a person by any identifier, from every screen. */
export function Find() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useScopes();
  const [wanted, setWanted] = useState('');
  if (!may('people:read')) return <span className="find-space" />;
  return (
    <form
      className="find"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted.trim() !== '') void navigate({ to: '/people', search: { q: wanted.trim() } });
      }}
    >
      <IconSearch small />
      <input type="search" value={wanted} maxLength={320} aria-label={t('find.label')} placeholder={t('find.hint')} onChange={(event) => setWanted(event.currentTarget.value)} />
    </form>
  );
}

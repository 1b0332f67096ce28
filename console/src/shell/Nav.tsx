import { Link, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { IconActivity, type Icon, IconMailOpened, IconSend, IconSettings, IconUsers } from '../ui/icons';
import { Mark } from '../ui/Mark';
import { State } from '../ui/parts';
import { type Scope, useScopes } from './useScopes';

interface Place {
  to: '/live' | '/people' | '/outbox';
  text: 'nav.live' | 'nav.people' | 'nav.outbox';
  icon: Icon;
  scope: Scope;
}

// Only screens that exist; a place appears here together with its screen.
const places: readonly Place[] = [
  { to: '/people', text: 'nav.people', icon: IconUsers, scope: 'people:read' },
  { to: '/live', text: 'nav.live', icon: IconActivity, scope: 'events:read' },
  { to: '/outbox', text: 'nav.outbox', icon: IconMailOpened, scope: 'messages:read' },
];

/** The settings that whoever is signed in may see, in order. */
export function useSettings(): { to: '/settings/sources' | '/settings/sender' | '/settings/users' | '/settings/audit' | '/settings/account'; text: string }[] {
  const { t } = useTranslation();
  const may = useScopes();
  const all = [
    { to: '/settings/sources', text: t('nav.sources'), scope: 'sources:read' },
    { to: '/settings/sender', text: t('nav.sender'), scope: 'sender:read' },
    { to: '/settings/users', text: t('nav.users'), scope: 'users:read' },
    { to: '/settings/audit', text: t('nav.audit'), scope: 'audit:read' },
  ] as const;
  return [...all.filter((place) => may(place.scope)), { to: '/settings/account', text: t('nav.account') }];
}

function usePlaces(): readonly Place[] {
  const may = useScopes();
  return places.filter((place) => may(place.scope));
}

export function Nav({ organisation, mode }: { organisation: string; mode: 'sandbox' | 'live' }) {
  const { t } = useTranslation();
  const visible = usePlaces();
  return (
    <nav className="nav" aria-label="Terreno">
      <Link to="/people" className="brand plain" activeProps={{ 'aria-current': undefined }}>
        <Mark />
        Terreno
      </Link>
      {organisation !== '' && (
        <p className="org" title={organisation}>
          <span className="clip">{organisation}</span>
        </p>
      )}
      {visible.map(({ to, text, icon: Drawn }) => (
        <Link key={to} to={to} activeProps={{ 'aria-current': 'page' }}>
          <Drawn />
          {t(text)}
        </Link>
      ))}
      <div className="foot">
        {mode === 'live' && (
          <div className="nav-mode">
            <State tone="fine" icon={IconSend}>
              {t('mode.live')}
            </State>
          </div>
        )}
        <SettingsLink />
      </div>
    </nav>
  );
}

/** Leads to the first of the settings, and is where you are on any of them. */
function SettingsLink() {
  const { t } = useTranslation();
  const [first] = useSettings();
  const here = useLocation({ select: (location) => location.pathname.startsWith('/settings') });
  if (first === undefined) return null;
  return (
    <Link to={first.to} aria-current={here ? 'page' : undefined}>
      <IconSettings />
      {t('nav.settings')}
    </Link>
  );
}

/** The navigation of a phone, under the thumb. */
export function Dock() {
  const { t } = useTranslation();
  const visible = usePlaces();
  return (
    <nav className="dock" aria-label={t('nav.dock')}>
      {visible.map(({ to, text, icon: Drawn }) => (
        <Link key={to} to={to} activeProps={{ 'aria-current': 'page' }}>
          <Drawn />
          {t(text)}
        </Link>
      ))}
      <SettingsLink />
    </nav>
  );
}

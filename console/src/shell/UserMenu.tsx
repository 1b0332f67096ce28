import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, take } from '../api/client';
import { isSignedOut } from '../api/problem';
import { sessionQuery } from '../api/queries';
import { languageNames, languages } from '../texts/format';
import { chooseLanguage } from '../texts/texts';
import { IconButton } from '../ui/Button';
import { type Icon, IconLogout, IconMoon, IconSun, IconSunMoon, IconUser } from '../ui/icons';
import { Menu } from '../ui/Menu';
import { initials } from '../ui/parts';
import { type Scheme, useScheme } from '../ui/useScheme';

const schemes: readonly { scheme: Scheme; icon: Icon }[] = [
  { scheme: 'auto', icon: IconSunMoon },
  { scheme: 'light', icon: IconSun },
  { scheme: 'dark', icon: IconMoon },
];

async function signOut(): Promise<void> {
  try {
    await take(api.DELETE('/api/v1/session'));
  } catch (error) {
    // A session that is over already is what was asked for.
    if (!isSignedOut(error)) throw error;
  }
  // The page is loaded anew, so that nothing of what was seen stays in memory.
  location.assign('/app/sign-in');
}

/** Who is signed in, and how they like it: language, colours, the way out. */
export function UserMenu() {
  const { t, i18n } = useTranslation();
  const { scheme, choose } = useScheme();
  const navigate = useNavigate();
  const { data: session } = useQuery(sessionQuery);
  const name = session?.user.name ?? '';

  return (
    <Menu
      target={
        // The name begins with what is seen, so that who speaks to the machine can say it.
        <IconButton label={`${initials(name)}, ${t('user.menu', { name })}`}>
          <span className="avatar" aria-hidden="true">
            {initials(name)}
          </span>
        </IconButton>
      }
      groups={[
        {
          name: t('user.language'),
          choices: languages.map((language) => ({
            key: language,
            label: <span lang={language}>{languageNames[language]}</span>,
            chosen: i18n.language === language,
            onChoose: () => void chooseLanguage(language),
          })),
        },
        {
          name: t('user.colours'),
          choices: schemes.map(({ scheme: each, icon: Drawn }) => ({
            key: each,
            label: t(`user.scheme.${each}`),
            icon: <Drawn small />,
            chosen: scheme === each,
            onChoose: () => choose(each),
          })),
        },
        { name, choices: [{ key: 'account', label: t('user.account'), icon: <IconUser small />, onChoose: () => void navigate({ to: '/settings/account' }) }, { key: 'out', label: t('user.sign_out'), icon: <IconLogout small />, onChoose: () => void signOut() }] },
      ]}
    />
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { Fragment, type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { metaQuery } from '../api/queries';
import { IconChevronRight } from '../ui/icons';
import { Banners } from './Banners';
import { Find } from './Find';
import { useSettings } from './Nav';
import { UserMenu } from './UserMenu';

export interface Crumb {
  label: string;
  link?: Pick<LinkProps, 'to' | 'params' | 'search'>;
}

interface ScreenProps {
  /** From the outermost place to this one; the last is the title of the window. */
  crumbs: readonly Crumb[];
  /** Shows the row of settings below the bar. */
  settings?: boolean;
  children: ReactNode;
  panel?: ReactNode;
  /** For a screen that lays out its own columns. */
  className?: string;
}

/** The frame of one screen: banners, where you are, the page, and a panel beside it. */
export function Screen({ crumbs, settings = false, children, panel, className = '' }: ScreenProps) {
  const { t } = useTranslation();
  const { data: meta } = useQuery(metaQuery);
  const title = crumbs.at(-1)?.label ?? '';
  useEffect(() => {
    document.title = `${title} · Terreno`;
  }, [title]);
  return (
    <>
      {meta !== undefined && <Banners meta={meta} />}
      <header className="bar">
        <nav className="crumb" aria-label={t('crumbs')}>
          {crumbs.map((crumb, index) => (
            <Fragment key={crumb.label}>
              {index > 0 && <IconChevronRight small />}
              {index === crumbs.length - 1 ? (
                <b className="clip" aria-current="page">
                  {crumb.label}
                </b>
              ) : crumb.link === undefined ? (
                <span className="clip">{crumb.label}</span>
              ) : (
                <Link {...crumb.link} className="plain quiet clip">
                  {crumb.label}
                </Link>
              )}
            </Fragment>
          ))}
        </nav>
        <Find />
        <UserMenu />
      </header>
      {settings && <SettingsTabs />}
      <div className={`page ${panel === undefined ? '' : 'with-panel'} ${className}`}>
        <main className="page-main">{children}</main>
        {panel}
      </div>
    </>
  );
}

function SettingsTabs() {
  const { t } = useTranslation();
  const places = useSettings();
  return (
    <nav className="tabs" aria-label={t('nav.settings')}>
      {places.map(({ to, text }) => (
        <Link key={to} to={to} activeProps={{ 'aria-current': 'true' }}>
          {text}
        </Link>
      ))}
    </nav>
  );
}

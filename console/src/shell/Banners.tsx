import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { Button } from '../ui/Button';
import { IconFlask, IconRefresh } from '../ui/icons';
import { useScopes } from './useScopes';

/** The build that made this page; empty when no server put one in. */
function ownBuild(): string {
  const build = document.querySelector<HTMLMetaElement>('meta[name="terreno-build"]')?.content ?? '';
  return build.startsWith('__') ? '' : build;
}

/** What holds on every screen: that nothing leaves, that people are made up, that the server is newer than this page. */
export function Banners({ meta }: { meta: Schemas['Meta'] }) {
  const { t } = useTranslation();
  const may = useScopes();
  const stale = ownBuild() !== '' && ownBuild() !== meta.build;
  return (
    <>
      {stale && (
        <div className="banner held" role="status">
          <IconRefresh />
          <span>{t('newer.text')}</span>
          <Button small onClick={() => location.reload()}>
            {t('newer.reload')}
          </Button>
        </div>
      )}
      {meta.mode === 'sandbox' && (
        <div className="banner note">
          <IconFlask />
          <span>
            <b>{t('mode.sandbox')}</b> {t(meta.sample_data ? 'mode.sandbox_sample' : 'mode.sandbox_text')}
          </span>
          {may('sender:read') && (
            <Link to="/settings/sender" className="btn sm">
              {t('mode.way_to_live')}
            </Link>
          )}
        </div>
      )}
    </>
  );
}

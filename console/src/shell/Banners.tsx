import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, type Schemas, take } from '../api/client';
import { Button } from '../ui/Button';
import { IconClock, IconFlask, IconPlayerPause, IconRefresh } from '../ui/icons';
import { ProblemText } from './Trouble';
import { usePaused } from './usePaused';
import { useScopes } from './useScopes';

/** The build that made this page; empty when no server put one in. */
function ownBuild(): string {
  const build = document.querySelector<HTMLMetaElement>('meta[name="terreno-build"]')?.content ?? '';
  return build.startsWith('__') ? '' : build;
}

/** What holds on every screen: that nothing leaves, that people are made up, that what is seen may be old. */
export function Banners({ meta }: { meta: Schemas['Meta'] }) {
  const { t } = useTranslation();
  const may = useScopes();
  const paused = usePaused();
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
      {paused && (
        <div className="banner held" role="status">
          <IconPlayerPause />
          <span>{t('paused')}</span>
        </div>
      )}
      {meta.time_held && <TimeHeld />}
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

/** After a day of standing still the clock may be wrong, and a wrong one would send everything at once: somebody must look. */
function TimeHeld() {
  const { t } = useTranslation();
  const may = useScopes();
  const cache = useQueryClient();
  const accept = useMutation({
    mutationFn: () => take(api.POST('/api/v1/clock', { body: { accept: true } })),
    // What waited goes on, so everything that is shown may change.
    onSuccess: () => cache.invalidateQueries(),
  });
  return (
    <div className="banner held" role="status">
      <IconClock />
      <span>{accept.isError ? <ProblemText error={accept.error} /> : t('time_held.text')}</span>
      {may('clock:write') && (
        <Button small busy={accept.isPending} onClick={() => accept.mutate()}>
          {t('time_held.accept')}
        </Button>
      )}
    </div>
  );
}

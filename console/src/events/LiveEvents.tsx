import './events.css';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { liveQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { Segmented } from '../ui/fields';
import { IconPlayerPause, IconPlayerPlay } from '../ui/icons';
import { Empty, Waiting } from '../ui/parts';
import { EventList } from './EventList';
import { EventPanel } from './EventPanel';

/** What comes in, as it comes, and what became of each. */
export function LiveEvents() {
  const { t } = useTranslation('events');
  const formats = useFormats();
  const navigate = useNavigate({ from: '/live' });
  const { show, seq } = useSearch({ from: '/shell/live' });
  const held = show === 'held';
  const [paused, setPaused] = useState(false);
  const live = useQuery({
    ...liveQuery(held ? 'quarantined' : undefined),
    enabled: !paused,
    placeholderData: keepPreviousData,
    // The stream says when something came; this is for the rate, which falls when nothing comes.
    refetchInterval: paused ? false : 10_000,
  });
  const chosen = live.data?.items.find((event) => String(event.seq) === seq);
  const counts = live.data?.counts;

  return (
    <Screen
      crumbs={[{ label: t('title') }]}
      panel={chosen !== undefined && <EventPanel event={chosen} onClose={() => void navigate({ search: (before) => ({ ...before, seq: undefined }), replace: true })} />}
    >
      <div className="head live-head">
        <h1 aria-live="off">
          {live.data === undefined ? t('title') : t('sentence.rate', { n: formats.number(Math.round(live.data.per_second * 10) / 10), count: Math.round(live.data.per_second) })}
          {counts !== undefined && counts.quarantined > 0 && ` ${t('sentence.held', { n: formats.number(counts.quarantined), count: counts.quarantined })}`}
          {counts !== undefined && counts.quarantined === 0 && live.data !== undefined && live.data.items.length > 0 && ` ${t('sentence.all_well')}`}
        </h1>
        <Button onClick={() => setPaused(!paused)} pressed={paused}>
          {paused ? <IconPlayerPlay /> : <IconPlayerPause />}
          {t(paused ? 'go_on' : 'pause')}
        </Button>
      </div>
      <div className="live-bar">
        <Segmented
          label={t('show')}
          value={held ? 'held' : 'all'}
          choices={[
            { value: 'all', label: t('everything') },
            {
              value: 'held',
              label: (
                <>
                  {t('held')}
                  {counts !== undefined && counts.quarantined > 0 && <span className="n stopped">{formats.number(counts.quarantined)}</span>}
                </>
              ),
            },
          ]}
          onChange={(value) => void navigate({ search: value === 'held' ? { show: 'held' } : {}, replace: true })}
        />
        {counts !== undefined && (
          <span className="live-counts">
            {[
              t('counts.repeat', { n: formats.number(counts.repeat), count: counts.repeat }),
              t('counts.rejected_key', { n: formats.number(counts.rejected_key), count: counts.rejected_key }),
            ].join(' · ')}
          </span>
        )}
      </div>
      {live.isError && <Trouble error={live.error} retry={() => void live.refetch()} />}
      {live.isPending && <Waiting label={t('common:loading')} />}
      {live.data?.items.length === 0 && (
        <Empty title={t(held ? 'empty.held_title' : 'empty.title')}>{t(held ? 'empty.held_text' : 'empty.text')}</Empty>
      )}
      {live.data !== undefined && live.data.items.length > 0 && (
        <EventList events={live.data.items} chosen={seq} onChoose={(event) => void navigate({ search: (before) => ({ ...before, seq: String(event.seq) }), replace: true })} />
      )}
    </Screen>
  );
}

import './settings.css';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { sourcesQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { IconLock, IconPlus, IconWorld } from '../ui/icons';
import { Chip, Empty, Waiting } from '../ui/parts';
import { Keys } from './Keys';
import { SourceDialog } from './SourceDialog';

type Source = Schemas['Source'];

/** What may send us events, and the keys that programs ask with. */
export function Sources() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const may = useScopes();
  const sources = useQuery(sourcesQuery);
  const [creating, setCreating] = useState(false);
  const items = sources.data?.items ?? [];
  // A server that does not count by source says so with null; then nothing is claimed.
  const counted = items.every((source) => source.per_second !== null);
  const since = items[0]?.counted_since ?? null;
  const rate = items.reduce((sum, source) => sum + (source.per_second ?? 0), 0);
  return (
    <Screen crumbs={[{ label: t('common:nav.settings') }, { label: t('common:nav.sources') }]} settings>
      <div className="head with-action">
        <h1>
          {sources.data === undefined || items.length === 0
            ? t('sources.title')
            : t('sources.sentence', { n: formats.number(items.length), count: items.length })}
          {counted && items.length > 0 && ` ${t('sources.rate', { n: formats.number(Math.round(rate * 10) / 10), count: Math.round(rate) })}`}
        </h1>
        {may('sources:write') && (
          <Button kind="primary" onClick={() => setCreating(true)}>
            <IconPlus />
            {t('sources.new')}
          </Button>
        )}
      </div>
      {sources.isError && <Trouble error={sources.error} retry={() => void sources.refetch()} />}
      <div className="body-pad">
        {sources.isPending && <Waiting label={t('common:loading')} rows={4} />}
        {sources.data !== undefined && items.length === 0 && <Empty title={t('sources.empty_title')}>{t('sources.empty_text')}</Empty>}
        {items.length > 0 && (
          <div className="scroll-x" tabIndex={0} role="region" aria-label={t('sources.title')}>
            <table className="tbl settings-table">
              <thead>
                <tr>
                  <th scope="col">{t('sources.column.source')}</th>
                  <th scope="col">{t('sources.column.key')}</th>
                  <th scope="col">
                    <span className="vh">{t('sources.column.hint')}</span>
                  </th>
                  <th scope="col" className="r">
                    {t('sources.column.rate')}
                  </th>
                  <th scope="col" className="r">
                    {t('sources.column.events')}
                  </th>
                  <th scope="col" className="r">
                    {t('sources.column.held')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((source) => (
                  <Row key={source.id} source={source} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {since !== null && <p className="quiet sm counted">{t('sources.counted', { moment: formats.moment(since) })}</p>}
        {may('keys:read') && <Keys />}
      </div>
      {creating && <SourceDialog onClose={() => setCreating(false)} />}
    </Screen>
  );
}

function Row({ source }: { source: Source }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const held = source.held ?? 0;
  return (
    <tr>
      <td>
        <b>{source.name}</b>
        {source.per_second !== null && (
          <span className="sub">
            {source.last_event_at !== null && t('sources.last', { moment: formats.recent(source.last_event_at) })}
            {source.last_event_at === null && source.counted_since !== null && t('sources.none_since', { moment: formats.moment(source.counted_since) })}
          </span>
        )}
      </td>
      <td>
        <Chip icon={source.visibility === 'public' ? IconWorld : IconLock}>{t(`sources.${source.visibility}`)}</Chip>
      </td>
      <td className="mono quiet">{source.key_hint}</td>
      <td className="r">{source.per_second === null ? '–' : formats.number(Math.round(source.per_second * 10) / 10)}</td>
      <td className="r">{source.events === null ? '–' : formats.number(source.events)}</td>
      <td className={`r ${held > 0 ? 'stopped' : 'quiet'}`}>{held > 0 ? <b>{formats.number(held)}</b> : '–'}</td>
    </tr>
  );
}

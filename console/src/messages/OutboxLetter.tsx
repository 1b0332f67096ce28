import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { outboxMessageQuery } from '../api/queries';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { Button, WhyMark } from '../ui/Button';
import { Panel } from '../ui/Panel';
import { Waiting } from '../ui/parts';
import { Letter, type LetterView } from './Letter';
import { ViewChoice } from './ViewChoice';

/** One caught message: envelope, letter, and how it looked on the wire. */
export function OutboxLetter({ id, onClose, onWhy }: { id: string; onClose: () => void; onWhy: (decision: string) => void }) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  const message = useQuery(outboxMessageQuery(id));
  const [view, setView] = useState<LetterView>('wide');
  const [raw, setRaw] = useState(false);
  const data = message.data;
  return (
    <Panel
      name={t('outbox.letter')}
      closeLabel={t('common:close')}
      onClose={onClose}
      title={<span className="clip">{data?.subject ?? t('outbox.letter')}</span>}
      footer={
        data !== undefined && (
          <>
            {data.decision_id !== null && (
              <Link to="/messages/$id" params={{ id: data.decision_id }} className="btn">
                {t('outbox.whole_story')}
              </Link>
            )}
            <Button kind="bare" pressed={raw} onClick={() => setRaw(!raw)}>
              {t('outbox.raw')}
            </Button>
          </>
        )
      }
    >
      {message.isError && <Trouble error={message.error} retry={() => void message.refetch()} />}
      {message.isPending && <Waiting label={t('common:loading')} rows={4} />}
      {data !== undefined && (
        <div className="outbox-letter">
          <dl className="env">
            <dt>{t('to')}</dt>
            <dd>
              {data.person !== null && `${data.person} · `}
              {data.to}
            </dd>
            <dd className="quiet w">{t('outbox.would_leave', { moment: formats.moment(data.at), place: formats.place })}</dd>
            <dt>{t('from')}</dt>
            <dd>{data.from}</dd>
            <dd className="quiet w">{formats.size(data.size_bytes)}</dd>
          </dl>
          <div className="view-bar">
            <ViewChoice view={view} onChange={setView} />
            {data.decision_id !== null && data.person_id !== null && <WhyMark label={t('why:title')} word={t('why:title')} onClick={() => data.decision_id !== null && onWhy(data.decision_id)} />}
          </div>
          {raw ? (
            <pre className="code raw" tabIndex={0} role="region" aria-label={t('outbox.raw')}>
              {data.raw}
            </pre>
          ) : (
            <Letter html={data.html} text={data.text} view={view} />
          )}
        </div>
      )}
    </Panel>
  );
}

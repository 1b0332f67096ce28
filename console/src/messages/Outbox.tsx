import './messages.css';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { outboxQuery } from '../api/queries';
import { byDay } from '../people/days';
import { More } from '../shell/More';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { WhyMark } from '../ui/Button';
import { Empty, Waiting } from '../ui/parts';
import { useNarrow } from '../ui/useScheme';
import { WhyPanel } from '../why/WhyPanel';
import { OutboxLetter } from './OutboxLetter';

type Item = Schemas['OutboxItem'];

/** What would have gone: every message as people would have got it, and none has left. */
export function Outbox() {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  const narrow = useNarrow();
  const { id, why } = useSearch({ from: '/shell/outbox' });
  const navigate = useNavigate({ from: '/outbox' });
  const outbox = useInfiniteQuery(outboxQuery);
  const items = outbox.data?.pages.flatMap((page) => page.items) ?? [];
  const total = outbox.data?.pages[0]?.total ?? items.length;
  const chosen = items.find((item) => item.id === id) ?? (narrow || id !== undefined ? undefined : items[0]);
  const explained = items.find((item) => item.decision_id !== null && item.decision_id === why);
  const show = (change: { id?: string | undefined; why?: string | undefined }) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });

  const shownId = chosen?.id ?? id;
  const letter = shownId !== undefined && (
    <OutboxLetter key={shownId} id={shownId} onClose={() => show({ id: undefined })} onWhy={(decision) => show({ why: decision })} />
  );
  return (
    <Screen
      crumbs={[{ label: t('outbox.title') }]}
      className="outbox-page"
      panel={
        explained?.person_id != null && why !== undefined ? (
          <WhyPanel subject={{ person: explained.person_id, decision: why }} onClose={() => show({ why: undefined })} />
        ) : (
          letter || undefined
        )
      }
    >
      <div className="head">
        <h1>{outbox.data === undefined || items.length === 0 ? t('outbox.title') : t('outbox.sentence', { n: formats.number(total), count: total })}</h1>
      </div>
      {outbox.isError && <Trouble error={outbox.error} retry={() => void outbox.refetch()} />}
      <div className="body-pad">
        {outbox.isPending && <Waiting label={t('common:loading')} />}
        {outbox.data !== undefined && items.length === 0 && <Empty title={t('outbox.empty_title')}>{t('outbox.empty_text')}</Empty>}
        {byDay(items, (item) => formats.dayKey(item.at)).map((day) => (
          <section key={day.key} className="ob">
            <h2 className="day">{formats.day(day.items[0]?.at ?? day.key)}</h2>
            <ul>
              {day.items.map((item) => (
                <Row key={item.id} item={item} chosen={item.id === shownId} onOpen={() => show({ id: item.id, why: undefined })} onWhy={(decision) => show({ id: item.id, why: decision })} />
              ))}
            </ul>
          </section>
        ))}
        <More pages={outbox} />
      </div>
    </Screen>
  );
}

interface RowProps {
  item: Item;
  chosen: boolean;
  onOpen: () => void;
  onWhy: (decision: string) => void;
}

function Row({ item, chosen, onOpen, onWhy }: RowProps) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  const decision = item.person_id === null ? null : item.decision_id;
  return (
    <li className="m" aria-current={chosen}>
      <time dateTime={item.at}>{formats.time(item.at)}</time>
      <button type="button" className="m-open" onClick={onOpen}>
        <span className="clip">
          <b>{item.person ?? item.to}</b>
          {item.language != null && <span className="quiet"> · {formats.languageName(item.language)}</span>}
        </span>
        <span className="sub clip">
          {item.subject}
          {item.journey !== null && (
            <>
              {' · '}
              <em>{item.journey}</em>
            </>
          )}
        </span>
      </button>
      {decision !== null && <WhyMark label={t('outbox.why', { person: item.person ?? item.to })} onClick={() => onWhy(decision)} />}
    </li>
  );
}

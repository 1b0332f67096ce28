import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { type Icon, IconAlertTriangle, IconBan, IconCheck, IconHistory } from '../ui/icons';
import { State, type Tone } from '../ui/parts';

export type LiveEvent = Schemas['LiveEvent'];

const stateLooks: Record<LiveEvent['state'], { tone: Tone; icon: Icon }> = {
  applied: { tone: 'fine', icon: IconCheck },
  repeat: { tone: 'quiet', icon: IconHistory },
  quarantined: { tone: 'stopped', icon: IconAlertTriangle },
  rejected_key: { tone: 'held', icon: IconBan },
};

export function EventState({ state }: { state: LiveEvent['state'] }) {
  const { t } = useTranslation('events');
  return <State {...stateLooks[state]}>{t(`state.${state}`)}</State>;
}

/** Why an event was held or refused, in words. */
export function EventReason({ event }: { event: LiveEvent }) {
  if (event.reason === null) return null;
  const { code, params, pointer } = event.reason;
  return <Phrase text={`events:reason.${code}`} params={{ code, pointer, ...params }} fallback="events:reason.unknown" />;
}

interface EventListProps {
  events: readonly LiveEvent[];
  chosen: string | undefined;
  onChoose: (event: LiveEvent) => void;
}

/** The stream. A row is one button; what is held says so below, in the row. */
export function EventList({ events, chosen, onChoose }: EventListProps) {
  const { t } = useTranslation('events');
  return (
    <div className="stream">
      <div className="ev head-row" aria-hidden="true">
        <span className="t">{t('column.time')}</span>
        <span>{t('column.source')}</span>
        <span className="n">{t('column.event')}</span>
        <span>{t('column.person')}</span>
        <span className="s">{t('column.state')}</span>
      </div>
      <ol aria-label={t('title')}>
        {events.map((event) => (
          <li key={event.seq} className={event.state === 'quarantined' ? 'held-row' : ''}>
            <Row event={event} chosen={String(event.seq) === chosen} onChoose={onChoose} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Row({ event, chosen, onChoose }: { event: LiveEvent; chosen: boolean; onChoose: (event: LiveEvent) => void }) {
  const { t } = useTranslation('events');
  const formats = useFormats();
  const identifier = event.identifiers[0];
  return (
    <button type="button" className="ev" aria-current={chosen} onClick={() => onChoose(event)}>
      <time className="t" dateTime={event.received_at}>
        {formats.preciseTime(event.received_at)}
      </time>
      <span className="src-name">{event.source === '' ? '–' : event.source}</span>
      <span className="n">{event.name === '' ? event.type : event.name}</span>
      <span className="p">{identifier?.value ?? t('nobody')}</span>
      <span className="s">
        <EventState state={event.state} />
      </span>
      {event.state === 'quarantined' && (
        <span className="viol">
          <EventReason event={event} />
        </span>
      )}
    </button>
  );
}

import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../texts/useFormats';
import { Panel } from '../ui/Panel';
import { Body } from './Body';
import { EventReason, EventState, type LiveEvent } from './EventList';

/** One event as it was sent, and what became of it. */
export function EventPanel({ event, onClose }: { event: LiveEvent; onClose: () => void }) {
  const { t } = useTranslation('events');
  const formats = useFormats();
  const name = event.name === '' ? event.type : event.name;
  return (
    <Panel name={name} title={<EventState state={event.state} />} closeLabel={t('common:close')} onClose={onClose}>
      <div className="event-panel">
        <p className="lead">{event.reason === null ? name : <EventReason event={event} />}</p>
        <Body body={event.body} {...(event.reason?.pointer === undefined ? {} : { pointer: event.reason.pointer })} />
        <dl className="kvs">
          <dt>{t('fact.received')}</dt>
          <dd>{formats.moment(event.received_at)}</dd>
          <dt>{t('fact.source')}</dt>
          <dd>{event.source === '' ? '–' : event.source}</dd>
          <dt>{t('fact.message_id')}</dt>
          <dd className="mono">{event.message_id}</dd>
          {event.identifiers.map((identifier) => (
            <div key={`${identifier.kind} ${identifier.value}`} className="contents">
              <dt>{t(`people:kind.${identifier.kind}`, { defaultValue: identifier.kind })}</dt>
              <dd>{identifier.value}</dd>
            </div>
          ))}
          {event.person_id !== null && (
            <>
              <dt>{t('fact.person')}</dt>
              <dd>
                <Link to="/people/$id" params={{ id: event.person_id }}>
                  {t('fact.open_person')}
                </Link>
              </dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
}

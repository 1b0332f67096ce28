import './messages.css';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { messageQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { WhyMark } from '../ui/Button';
import { Empty, Waiting } from '../ui/parts';
import { WhyPanel } from '../why/WhyPanel';
import { Became } from './Became';
import { Letter, type LetterView } from './Letter';
import { ViewChoice } from './ViewChoice';

export type MessageData = Schemas['Message'];

const views: readonly LetterView[] = ['wide', 'narrow', 'text'];

/** One message, from the decision to what became of it. */
export function Message() {
  const { t } = useTranslation('messages');
  const { id } = useParams({ from: '/shell/messages/$id' });
  const search = useSearch({ from: '/shell/messages/$id' });
  const navigate = useNavigate({ from: '/messages/$id' });
  const message = useQuery(messageQuery(id));
  const data = message.data;
  const show = (change: { why?: string | undefined; view?: string | undefined }) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const view = views.find((each) => each === search.view) ?? 'wide';
  const why = search.why !== undefined;

  return (
    <Screen
      crumbs={[
        { label: t('people:title'), link: { to: '/people' } },
        ...(data === undefined ? [] : [{ label: data.person, link: { to: '/people/$id' as const, params: { id: data.person_id } } }]),
        { label: data?.message ?? t('title') },
      ]}
      className="message-page"
      panel={
        data !== undefined &&
        (why ? <WhyPanel subject={{ person: data.person_id, decision: id }} onClose={() => show({ why: undefined })} /> : <Became message={data} />)
      }
    >
      {message.isError && <Trouble error={message.error} retry={() => void message.refetch()} />}
      {message.isPending && <Waiting label={t('common:loading')} />}
      {data !== undefined && (
        <>
          <Head message={data} why={why} onWhy={() => show({ why: why ? undefined : '1' })} />
          <Envelope message={data} />
          {data.html === null && data.text === null ? (
            <Empty title={t('never_written.title')}>{t('never_written.text')}</Empty>
          ) : (
            <>
              <div className="view-bar">
                <ViewChoice view={view} onChange={(chosen) => show({ view: chosen === 'wide' ? undefined : chosen })} />
              </div>
              <Letter html={data.html} text={data.text} view={view} />
            </>
          )}
        </>
      )}
    </Screen>
  );
}

function Head({ message, why, onWhy }: { message: MessageData; why: boolean; onWhy: () => void }) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  const last = message.history.findLast((step) => step.state === message.state) ?? message.history.at(-1);
  return (
    <div className="head message-head">
      <p className="quiet">
        {t(`common:channel.${message.channel}`)} · <em>{message.journey}</em>
        {message.journey_version !== undefined && `, ${t('version', { version: message.journey_version })}`}
        {last !== undefined && ` · ${formats.day(last.at)}`}
      </p>
      <h1>
        <Phrase text={`messages:sentence.${message.state}`} params={{ person: message.person, message: message.message, at: last?.at ?? null, time: last === undefined ? null : formats.time(last.at) }} />{' '}
        <WhyMark label={t('why:title')} word={t('why:title')} expanded={why} onClick={onWhy} />
      </h1>
    </div>
  );
}

function Envelope({ message }: { message: MessageData }) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  return (
    <dl className="env">
      <dt>{t('to')}</dt>
      <dd>
        {message.person} · {message.to}
        {message.masked && <span className="quiet"> · {t('masked')}</span>}
      </dd>
      <dd className="quiet w">{message.language == null ? '' : formats.languageName(message.language)}</dd>
      <dt>{t('from')}</dt>
      <dd>{message.from}</dd>
      <dd className="quiet w">{message.size_bytes == null ? '' : formats.size(message.size_bytes)}</dd>
      {message.subject !== null && (
        <>
          <dt>{t('subject')}</dt>
          <dd>{message.subject}</dd>
          <dd />
        </>
      )}
    </dl>
  );
}

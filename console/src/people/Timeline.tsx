import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { timelineQuery } from '../api/queries';
import { Body } from '../events/Body';
import { knownState } from '../messages/states';
import { More } from '../shell/More';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { Phrase } from '../texts/Phrase';
import { WhyMark } from '../ui/Button';
import { type Icon, IconActivity, IconHandStop, IconMail, IconMailOff, IconPencilMinus, IconRoute, IconShieldCheck, IconUsers } from '../ui/icons';
import { Section, Waiting } from '../ui/parts';
import { byDay } from './days';
import { lastWords } from './lastWords';
import type { AskWhy } from './Person';
import { useShownValue } from './useShownValue';

type Item = Schemas['TimelineItem'];

const icons: Record<Item['kind'], Icon> = {
  event: IconActivity,
  message: IconMail,
  consent: IconShieldCheck,
  journey: IconRoute,
  correction: IconPencilMinus,
  objection: IconHandStop,
  identity: IconUsers,
};

/** Which family of sentences tells it: who says no to everything names no topic. */
function happenedText({ kind, name }: Item): string {
  const isWide = name === '' && (kind === 'consent' || kind === 'objection');
  return isWide ? `${kind}_wide` : kind;
}

const notSent: readonly string[] = ['withheld', 'bounced', 'expired'];

/** What happened, newest first, by the days of the organisation. */
export function Timeline({ id, why }: { id: string; why: AskWhy }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const timeline = useInfiniteQuery(timelineQuery(id));
  const items = lastWords(timeline.data?.pages.flatMap((page) => page.items) ?? []);
  return (
    <Section title={t('timeline.title')} aside={t('timeline.newest')}>
      {timeline.isError && <Trouble error={timeline.error} retry={() => void timeline.refetch()} />}
      {timeline.isPending && <Waiting label={t('common:loading')} rows={5} />}
      {timeline.data !== undefined && items.length === 0 && <p className="none">{t('timeline.none')}</p>}
      {byDay(items, (item) => formats.dayKey(item.at)).map((day) => (
        <div key={day.key}>
          <h3 className="tl-day">{formats.day(day.items[0]?.at ?? day.key)}</h3>
          <ol className="tl">
            {day.items.map((item) => (
              <Entry key={item.id} item={item} why={why} />
            ))}
          </ol>
        </div>
      ))}
      <More pages={timeline} />
    </Section>
  );
}

function Entry({ item, why }: { item: Item; why: AskWhy }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const [open, setOpen] = useState(false);
  const failed = item.kind === 'message' && notSent.includes(item.state ?? '');
  const Drawn = failed ? IconMailOff : icons[item.kind];
  const decision = item.decision_id ?? undefined;
  const chosen = decision !== undefined && why.open?.decision === decision;
  return (
    <li aria-current={chosen}>
      <time dateTime={item.at}>{formats.time(item.at)}</time>
      <span className="pt">
        <Drawn small />
      </span>
      <div className="tl-said">
        <p>
          <Said item={item} failed={failed} />
        </p>
        <p className="sub">
          <Circumstances item={item} />
          {item.body !== undefined && (
            <button type="button" className="as-link" aria-expanded={open} onClick={() => setOpen(!open)}>
              {t(open ? 'timeline.hide_body' : 'timeline.show_body')}
            </button>
          )}
        </p>
        {open && item.body !== undefined && <Body body={item.body} />}
      </div>
      {decision !== undefined && <WhyMark label={t('messages.why', { message: item.name })} expanded={chosen} onClick={() => why.decision(decision)} />}
    </li>
  );
}

/** Where it came from; of a message what became of it, of a permission where it holds and how it was given. */
function Circumstances({ item }: { item: Item }) {
  const { t } = useTranslation('people');
  const state = item.kind === 'message' ? knownState(item.state) : undefined;
  const channel = item.params?.['channel'];
  const method = item.params?.['method'];
  const parts = [
    // That it was withheld is what "not sent" says above.
    state === undefined || state === 'withheld' ? undefined : t(`messages:state.${state}`),
    item.kind === 'message' ? item.journey : undefined,
    item.source,
    typeof channel === 'string' ? t(`common:channel.${channel}`, { defaultValue: channel }) : undefined,
    typeof method === 'string' ? t(`method.${method}`, { defaultValue: method }) : undefined,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}

function Said({ item, failed }: { item: Item; failed: boolean }) {
  const { t } = useTranslation('people');
  const { label } = useShownValue();
  if (item.kind === 'event') return <b>{item.name}</b>;
  if (item.kind === 'message') {
    return (
      <>
        {failed && <b>{t('timeline.not_sent')} </b>}
        {item.decision_id == null ? (
          <em>{item.name}</em>
        ) : (
          <Link to="/messages/$id" params={{ id: item.decision_id }}>
            <em>{item.name}</em>
          </Link>
        )}
      </>
    );
  }
  const happened = happenedText(item);
  return <Phrase text={`people:happened.${happened}.${item.state ?? 'any'}`} params={{ ...item.params, name: item.kind === 'correction' ? label(item.name) : item.name }} fallback={`people:happened.${happened}.any`} />;
}

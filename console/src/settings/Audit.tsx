import './settings.css';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { auditQuery } from '../api/queries';
import { byDay } from '../people/days';
import { useShownValue } from '../people/useShownValue';
import { More } from '../shell/More';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { Empty, Waiting } from '../ui/parts';
import { auditText } from './auditText';

type Entry = Schemas['AuditEntry'];

/** Who did what, newest first. */
export function Audit() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const audit = useInfiniteQuery(auditQuery);
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Screen crumbs={[{ label: t('common:nav.settings') }, { label: t('common:nav.audit') }]} settings>
      <div className="head">
        <h1>{t('audit.title')}</h1>
      </div>
      {audit.isError && <Trouble error={audit.error} retry={() => void audit.refetch()} />}
      <div className="body-pad">
        {audit.isPending && <Waiting label={t('common:loading')} />}
        {audit.data !== undefined && items.length === 0 && <Empty title={t('audit.empty_title')}>{t('audit.empty_text')}</Empty>}
        {byDay(items, (entry) => formats.dayKey(entry.at)).map((day) => (
          <section key={day.key}>
            <h2 className="audit-day">{formats.day(day.items[0]?.at ?? day.key)}</h2>
            <ul className="rows">
              {day.items.map((entry) => (
                <Row key={entry.id} entry={entry} />
              ))}
            </ul>
          </section>
        ))}
        <More pages={audit} />
      </div>
    </Screen>
  );
}

function Row({ entry }: { entry: Entry }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const { label } = useShownValue();
  const { actor, subject } = entry;
  const { text, params } = auditText(entry);
  const word = (name: string, family: string) => {
    const code = params[name];
    return typeof code === 'string' ? { [name]: t(`${family}.${code}`, { defaultValue: code }) } : {};
  };
  const values = {
    ...params,
    code: entry.action,
    // Who has no name of their own is called by what they are.
    actor: actor.kind === 'system' ? t(`actor.${actor.name}`, { defaultValue: actor.name }) : actor.name,
    ...word('channel', 'common:channel'),
    ...word('role', 'role'),
    ...(typeof params['attribute'] === 'string' ? { attribute: label(params['attribute']) } : {}),
    ...(typeof params['language'] === 'string' ? { language: formats.languageName(params['language']) } : {}),
  };
  return (
    <li className="row audit-row">
      <time dateTime={entry.at} className="quiet sm num">
        {formats.time(entry.at)}
      </time>
      <div className="grow">
        <p>
          <Phrase text={text} params={values} fallback="settings:action.unknown" />
        </p>
        {entry.client_address != null && <p className="sub mono">{entry.client_address}</p>}
      </div>
      {subject?.kind === 'person' && (
        <Link to="/people/$id" params={{ id: subject.id }} className="sm">
          {t('audit.person')}
        </Link>
      )}
      {subject?.kind === 'message' && (
        <Link to="/messages/$id" params={{ id: subject.id }} className="sm">
          {t('audit.message')}
        </Link>
      )}
    </li>
  );
}

import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useFormats } from '../texts/useFormats';
import { type Icon, IconBan, IconCheck, IconClock, IconMinus, IconX } from '../ui/icons';
import { State, type Tone } from '../ui/parts';
import type { PersonData } from './Person';

const looks: Record<Schemas['ConsentState'], { tone: Tone; icon: Icon }> = {
  none: { tone: 'quiet', icon: IconMinus },
  pending: { tone: 'held', icon: IconClock },
  subscribed: { tone: 'fine', icon: IconCheck },
  unsubscribed: { tone: 'stopped', icon: IconX },
  suppressed: { tone: 'stopped', icon: IconBan },
};

// A text's version is a name, or a hash that nobody reads to its end.
const hashShown = 12;

/** What was agreed to, address by address, with the entry that proves it. */
export function Consents({ person }: { person: PersonData }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  if (person.consents.length === 0) return <p className="none">{t('may_send.none')}</p>;
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label={t('tab.permissions')}>
      <table className="tbl stack consents">
        <thead>
          <tr>
            <th scope="col">{t('column.topic')}</th>
            <th scope="col">{t('column.address')}</th>
            <th scope="col">{t('column.permission')}</th>
            <th scope="col">{t('column.since')}</th>
            <th scope="col">{t('column.how')}</th>
          </tr>
        </thead>
        <tbody>
          {person.consents.map((consent) => (
            <tr key={JSON.stringify([consent.channel, consent.address, consent.topic, consent.purpose, consent.brand])}>
              <td>
                {consent.topic}
                <span className="sub">
                  {consent.purpose} · {consent.brand}
                </span>
              </td>
              <td>
                {consent.address}
                <span className="sub">{t(`common:channel.${consent.channel}`)}</span>
              </td>
              <td>
                <State {...looks[consent.state]}>{t(`consent.${consent.state}`)}</State>
                <Pause consent={consent} />
              </td>
              <td className="nowrap">{consent.since === null ? '–' : formats.date(consent.since)}</td>
              <td>
                {consent.method === null ? '–' : t(`method.${consent.method}`, { defaultValue: consent.method })}
                {consent.text_version !== null && <span className="sub mono">{consent.text_version.length > hashShown * 3 ? consent.text_version.slice(0, hashShown) : consent.text_version}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A pause stands beside what was agreed to: it is no answer to it, but nothing commercial leaves meanwhile. */
function Pause({ consent }: { consent: Schemas['Consent'] }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  if (!consent.paused) return null;
  return <span className="sub">{consent.paused_until == null ? t('consent.paused') : t('consent.paused_until', { moment: formats.moment(consent.paused_until) })}</span>;
}

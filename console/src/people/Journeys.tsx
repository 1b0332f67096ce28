import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useFormats } from '../texts/useFormats';
import { WhyMark } from '../ui/Button';
import { type Icon, IconCheck, IconClock, IconFlag3, IconRoute, IconX } from '../ui/icons';
import { Section, State, type Tone } from '../ui/parts';
import type { AskWhy, PersonData } from './Person';

const looks: Record<Schemas['JourneyInstance']['state'], { tone: Tone; icon: Icon }> = {
  active: { tone: 'note', icon: IconRoute },
  waiting: { tone: 'held', icon: IconClock },
  completed: { tone: 'fine', icon: IconCheck },
  exited: { tone: 'quiet', icon: IconFlag3 },
  failed: { tone: 'stopped', icon: IconX },
};

/** The journeys this person travels or travelled, and why not others. */
export function Journeys({ person, why }: { person: PersonData; why: AskWhy }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const travelled = new Set(person.journeys.map((journey) => journey.journey));
  const others = person.journeys_in_force.filter((journey) => !travelled.has(journey));
  return (
    <>
      {person.journeys.length === 0 && <p className="none">{t('journeys.none')}</p>}
      <ul className="rows">
        {person.journeys.map((journey) => (
          <li key={`${journey.journey} ${journey.entry_key}`} className="row" aria-current={why.open?.journey === journey.journey}>
            <div className="grow">
              <p>
                <em>{journey.journey}</em>
                {journey.version !== '' && <span className="quiet sm"> {t('journeys.version', { version: journey.version })}</span>}
              </p>
              <p className="sub">
                {journey.step === '' ? t('journeys.since', { since_at: formats.moment(journey.since) }) : t('journeys.step', { step: journey.step, since_at: formats.moment(journey.since) })}
                {journey.wakes_at !== null && ` · ${t('journeys.wakes', { wakes_at: formats.moment(journey.wakes_at) })}`}
              </p>
            </div>
            <State {...looks[journey.state]}>{t(`journeys.state.${journey.state}`)}</State>
            <WhyMark label={t('journeys.why', { journey: journey.journey })} expanded={why.open?.journey === journey.journey} onClick={() => why.journey(journey.journey)} />
          </li>
        ))}
      </ul>
      <Section title={t('journeys.other')}>
        {others.length === 0 && <p className="none">{t('journeys.other_none')}</p>}
        {others.length > 0 && <p className="none sm">{t('journeys.other_hint')}</p>}
        <ul className="rows">
          {others.map((journey) => (
            <li key={journey} className="row" aria-current={why.open?.journey === journey}>
              <p className="grow">
                <em>{journey}</em>
              </p>
              <WhyMark label={t('journeys.why', { journey })} expanded={why.open?.journey === journey} onClick={() => why.journey(journey)} />
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}

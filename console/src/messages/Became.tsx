import '../why/why.css';
import { useTranslation } from 'react-i18next';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { IconReceipt } from '../ui/icons';
import { Panel } from '../ui/Panel';
import { Section } from '../ui/parts';
import { GateTime } from '../why/WhyChain';
import type { MessageData } from './Message';
import { stateLooks } from './states';

const chainLook: Record<string, string> = { stopped: 'stop', held: 'wait', quiet: 'wait' };
// A picture that was fetched is no proof that a person looked.
const probable = new Set(['opened']);

// What follows a question at the same moment is its answer; the question alone was no decision yet.
const answers: readonly string[] = ['decided', 'held', 'withheld'];

function steps({ history }: MessageData): MessageData['history'] {
  return history.filter((step, index) => {
    const next = history[index + 1];
    return step.state !== 'decided' || next?.at !== step.at || !answers.includes(next.state);
  });
}

/** What became of a message, step by step, and the permission it left with. */
export function Became({ message }: { message: MessageData }) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  const history = steps(message);
  const first = history[0]?.at ?? null;
  return (
    <Panel
      name={t('became.title')}
      closeLabel={t('common:close')}
      title={
        <>
          <span className="flex">
            <IconReceipt />
            {t('became.title')}
          </span>
          <span className="sm quiet place-name">{t('became.zone', { place: formats.place })}</span>
        </>
      }
    >
      <div className="whyp became">
        <ol className="chain">
          {history.map((step, index) => {
            const { tone, icon: Drawn } = stateLooks[step.state];
            const attempt = message.attempts.find((each) => each.number === step.attempt);
            return (
              <li key={`${step.state} ${step.at}`} className={`gate ${probable.has(step.state) ? 'maybe' : (chainLook[tone] ?? '')}`}>
                <span className="pin">{index === 0 ? <span className="dot clay" /> : <Drawn />}</span>
                <p className="said">{t(`became.${step.state}`)}</p>
                <GateTime first={first} at={step.at} begins={index === 0} />
                <p className="detail">
                  {step.state === 'claimed' && attempt !== undefined ? t('became.attempt', { number: attempt.number, total: message.attempts.length }) : <Phrase text={`messages:because.${step.state}`} params={step.params} />}
                  {(step.state === 'sent' || step.state === 'bounced') && attempt?.answer != null && <span className="mono answer">“{attempt.answer}”</span>}
                </p>
              </li>
            );
          })}
        </ol>
        <Proof consent={message.consent} />
        {message.headers.length > 0 && (
          <details className="headers">
            <summary>{t('headers')}</summary>
            <dl>
              {message.headers.map((header, index) => (
                <div key={index}>
                  <dt>{header.name}</dt>
                  <dd>{header.value}</dd>
                </div>
              ))}
            </dl>
          </details>
        )}
      </div>
    </Panel>
  );
}

function Proof({ consent }: { consent: MessageData['consent'] }) {
  const { t } = useTranslation('messages');
  const formats = useFormats();
  if (consent === null) return null;
  return (
    <Section title={t('proof.title')} aside={<span className="mono">{consent.entry_id.replace(/^0+/, '')}</span>}>
      {consent.text !== null && <blockquote className="quote">{consent.text}</blockquote>}
      <dl className="kvs proof">
        <dt>{t('proof.agreed')}</dt>
        <dd>
          {formats.moment(consent.recorded_at)}, {t(`people:method.${consent.method}`, { defaultValue: consent.method })}
          {consent.confirmed_at != null && `, ${t('proof.confirmed', { moment: formats.moment(consent.confirmed_at) })}`}
        </dd>
        <dt>{t('proof.covers')}</dt>
        <dd>
          {consent.topic} · {consent.purpose} · {t(`common:channel.${consent.channel}`)} · {consent.address}
        </dd>
        <dt>{t('proof.checked')}</dt>
        <dd>{t('proof.checked_text')}</dd>
      </dl>
    </Section>
  );
}

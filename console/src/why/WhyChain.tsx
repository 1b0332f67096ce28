import type { CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { IconCheck, IconClock, IconFlag3, IconMinus, IconX } from '../ui/icons';
import { GateFigure } from './GateFigure';
import { type Gate, gateDetail, gateOffset, titleOf } from './gates';

type Why = Schemas['Why'];

/** The way a decision took: solid clay where it walked, dotted where it did not need to go. */
export function WhyChain({ why }: { why: Why }) {
  const first = why.gates.find((gate) => gate.at !== null)?.at ?? null;
  return (
    <ol className="chain">
      {why.gates.map((gate, index) => (
        <Station key={`${gate.code}-${index}`} gate={gate} first={first} index={index} begins={index === 0} subject={why.subject} />
      ))}
      {why.becomes.code !== 'nothing' && (
        <li className="gate end" style={{ '--place': why.gates.length } as CSSProperties}>
          <span className="pin">
            <IconFlag3 />
          </span>
          <p className="said">
            <Phrase text={`why:becomes.${why.becomes.code}`} params={why.becomes.params} fallback="why:becomes.unknown" />
          </p>
        </li>
      )}
    </ol>
  );
}

const looks: Record<Gate['state'], string> = { passed: '', stopped: 'stop', waiting: 'wait', not_reached: 'wait after' };

interface StationProps {
  gate: Gate;
  first: string | null;
  index: number;
  begins: boolean;
  subject: Why['subject'];
}

function Station({ gate, first, index, begins, subject }: StationProps) {
  const { t } = useTranslation();
  const detail = gateDetail(gate);
  const reached = gate.state !== 'not_reached';
  return (
    <li className={`gate ${looks[gate.state]}`} style={{ '--place': index } as CSSProperties}>
      <span className="pin">
        <Pin state={gate.state} begins={begins} />
      </span>
      <p className="said">
        <Phrase
          text={`why:gate.${titleOf(gate)}.${gate.state}`}
          params={{ message: subject.message ?? subject.journey, journey: subject.journey, person: subject.person, event: gate.value, ...gate.params }}
          fallback={`why:gate.other.${gate.state}`}
        />
        <span className="vh"> ({t(`why:state.${gate.state}`)})</span>
      </p>
      <GateTime first={first} at={gate.at} begins={begins} />
      {reached && detail !== undefined && (
        <p className="detail">
          <Phrase text={detail.key} params={detail.params} />
        </p>
      )}
      {reached && <GateFigure gate={gate} />}
    </li>
  );
}

function Pin({ state, begins }: { state: Gate['state']; begins: boolean }) {
  if (state === 'stopped') return <IconX />;
  if (state === 'waiting') return <IconClock />;
  if (state === 'not_reached') return <IconMinus />;
  return begins ? <span className="dot clay" /> : <IconCheck />;
}

/** The first gate's time whole, the next ones as what they took. */
export function GateTime({ first, at, begins }: { first: string | null; at: string | null; begins: boolean }) {
  const formats = useFormats();
  const shown = gateOffset(first, at, begins);
  // What took no time needs no figure.
  if (shown === undefined || at === null || ('offsetMs' in shown && shown.offsetMs === 0)) return <span className="at" />;
  return (
    <time className="at" dateTime={at} title={formats.moment(at)}>
      {'offsetMs' in shown ? `+ ${formats.number(shown.offsetMs)} ms` : formats.dayKey(shown.at) === formats.dayKey(first ?? shown.at) ? formats.preciseTime(shown.at) : formats.moment(shown.at)}
    </time>
  );
}

import { useTranslation } from 'react-i18next';
import { type Gate, minutesOf, quietStretches } from './gates';

/** A small drawing of the gates that have one: the hours of a day, the places of a week. */
export function GateFigure({ gate }: { gate: Gate }) {
  if (gate.code === 'quiet_hours') return <Hours gate={gate} />;
  if (gate.code === 'cap_person' || gate.code === 'cap_address') return <Places gate={gate} />;
  return null;
}

const width = 352;

function Hours({ gate }: { gate: Gate }) {
  const { t } = useTranslation();
  const { from, to, local_time } = gate.params;
  const [start, end, now] = [minutesOf(from), minutesOf(to), minutesOf(local_time)];
  if (start === undefined || end === undefined || now === undefined) return null;
  const x = (now / 1440) * width;
  return (
    <div className="fig">
      <svg viewBox={`0 0 ${width} 32`} width="100%" role="img" aria-label={t('why:figure.hours', { from, to, local_time })}>
        <defs>
          <pattern id="quiet" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="5" height="5" className="quiet-ground" />
            <path d="M0 0V5" className="quiet-line" />
          </pattern>
        </defs>
        {quietStretches(start, end).map((stretch) => (
          <rect key={stretch.start} x={stretch.start * width} y="5" width={(stretch.end - stretch.start) * width} height="10" fill="url(#quiet)" />
        ))}
        <path d={`M0 15H${width}`} className="axis" />
        {[0, 1, 2, 3, 4].map((tick) => (
          <path key={tick} d={`M${(tick * width) / 4} 15v4`} className="axis" />
        ))}
        <circle cx={x} cy="10" r="4.5" className="fill-clay" />
        <text x="0" y="30">
          {t('why:figure.quiet_to', { to })}
        </text>
        <text x={Math.min(Math.max(x, 96), width - 112)} y="30" textAnchor="middle" className="ink">
          {String(local_time)}
        </text>
        <text x={width} y="30" textAnchor="end">
          {t('why:figure.quiet_from', { from })}
        </text>
      </svg>
    </div>
  );
}

function Places({ gate }: { gate: Gate }) {
  const { t } = useTranslation();
  const { count, limit } = gate.params;
  // Beyond a dozen nobody counts points.
  if (typeof count !== 'number' || typeof limit !== 'number' || limit < 1 || limit > 12) return null;
  return (
    <div className="fig places" role="img" aria-label={t('why:figure.places', { used: count, limit })}>
      {Array.from({ length: limit }, (_, place) => (
        <i key={place} className={place < count ? 'on' : ''} />
      ))}
      {gate.state === 'stopped' && <b aria-hidden="true">×</b>}
    </div>
  );
}

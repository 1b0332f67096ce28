import { useTranslation } from 'react-i18next';
import { initials } from '../ui/parts';
import type { PersonData } from './Person';

const rowHeight = 76;

/** The person in the middle, identifiers around: solid is certain, dashed is not confirmed. The list says the same. */
export function IdentityFigure({ person, name }: { person: PersonData; name: string }) {
  const { t } = useTranslation('people');
  const shown = person.identifiers.slice(0, 6);
  if (shown.length === 0) return <p className="none">{t('identity.none')}</p>;
  const rows = Math.ceil(shown.length / 2);
  const height = rows * rowHeight - 20;
  const middle = height / 2;
  return (
    <>
      <svg className="identity-figure" viewBox={`0 0 396 ${Math.max(height, 56)}`} width="100%" role="img" aria-label={t('identity.figure', { name, count: person.identifiers.length })}>
        {shown.map((identifier, index) => {
          const left = index % 2 === 0;
          const y = Math.floor(index / 2) * rowHeight + 24;
          const [from, bend, to] = left ? [182, 160, 140] : [214, 236, 252];
          return (
            <g key={`${identifier.kind} ${identifier.value}`}>
              <path d={`M${from} ${middle}C${bend} ${y} ${bend - (left ? 10 : -10)} ${y} ${to} ${y}`} className={identifier.state === 'confirmed' ? 'edge-certain' : 'edge-probable'} />
              <text x={left ? 0 : 396} y={y - 3} textAnchor={left ? 'start' : 'end'} className="ink identity-value">
                {short(identifier.value)}
              </text>
              <text x={left ? 0 : 396} y={y + 14} textAnchor={left ? 'start' : 'end'}>
                {t(`kind.${identifier.kind}`, { defaultValue: identifier.kind })}
              </text>
            </g>
          );
        })}
        <circle cx="198" cy={middle} r="19" className="identity-person" />
        <text x="198" y={middle + 4.5} textAnchor="middle" className="b identity-initials">
          {initials(name)}
        </text>
      </svg>
      {person.identifiers.length > shown.length && <p className="none">{t('identity.more', { count: person.identifiers.length - shown.length, n: person.identifiers.length - shown.length })}</p>}
    </>
  );
}

function short(value: string): string {
  return value.length > 19 ? `${value.slice(0, 17)}…` : value;
}

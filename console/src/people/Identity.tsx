import { useTranslation } from 'react-i18next';
import { useFormats } from '../texts/useFormats';
import { IconCheck, IconCircleDashed } from '../ui/icons';
import { Section, State } from '../ui/parts';
import type { PersonData } from './Person';

/** Every identifier, and the evidence that makes them one person. */
export function Identity({ person, name }: { person: PersonData; name: string }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const value = (place: number) => person.identifiers[place]?.value ?? '–';
  return (
    <>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={t('tab.identity')}>
        <table className="tbl stack">
          <thead>
            <tr>
              <th scope="col">{t('column.identifier')}</th>
              <th scope="col">{t('column.state')}</th>
              <th scope="col">{t('column.source')}</th>
              <th scope="col">{t('column.since')}</th>
            </tr>
          </thead>
          <tbody>
            {person.identifiers.map((identifier) => (
              <tr key={`${identifier.kind} ${identifier.value}`}>
                <td>
                  {identifier.value}
                  <span className="sub">{t(`kind.${identifier.kind}`, { defaultValue: identifier.kind })}</span>
                </td>
                <td>
                  {identifier.state === 'confirmed' ? (
                    <State tone="fine" icon={IconCheck}>
                      {t('identity.confirmed')}
                    </State>
                  ) : (
                    <State tone="quiet" icon={IconCircleDashed}>
                      {t('identity.unconfirmed')}
                    </State>
                  )}
                </td>
                <td>{identifier.source}</td>
                <td className="nowrap">{formats.date(identifier.since)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Section title={t('identity.evidence')} aside={t('identity.evidence_of', { name })}>
        {person.edges.length === 0 && <p className="none">{t('identity.no_evidence')}</p>}
        <ul className="rows">
          {person.edges.map((edge, index) => (
            <li key={index} className="row">
              <div className="grow">
                <p>
                  {value(edge.a)} <span aria-hidden="true">{edge.state === 'live' ? '—' : '- -'}</span> {value(edge.b)}
                </p>
                <p className="sub">
                  {t(`edge.${edge.kind}`, { defaultValue: edge.kind })} · {edge.source} · {formats.date(edge.since)}
                </p>
              </div>
              <State tone={edge.state === 'live' ? 'fine' : 'held'} icon={edge.state === 'live' ? IconCheck : IconCircleDashed}>
                {t(`edge_state.${edge.state}`)}
              </State>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}

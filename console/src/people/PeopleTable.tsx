import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useFormats } from '../texts/useFormats';
import { IconBan, IconCheck, IconMinus } from '../ui/icons';
import { State } from '../ui/parts';

type PersonSummary = Schemas['PersonSummary'];

/** A list of people. The name is the link; the whole row leads there too. */
export function PeopleTable({ people }: { people: readonly PersonSummary[] }) {
  const { t } = useTranslation('people');
  return (
    <table className="tbl people-table">
      <thead>
        <tr>
          <th scope="col">{t('column.name')}</th>
          <th scope="col">{t('column.known_by')}</th>
          <th scope="col">{t('column.permission')}</th>
          <th scope="col" className="r">
            {t('column.last_seen')}
          </th>
        </tr>
      </thead>
      <tbody>
        {people.map((person) => (
          <Row key={person.person_id} person={person} />
        ))}
      </tbody>
    </table>
  );
}

/** What a person is called here: their name, otherwise the strongest identifier. */
export function displayName(person: { name: string | null; identifiers: readonly { value: string }[] }, unnamed: string): string {
  return person.name ?? person.identifiers[0]?.value ?? unnamed;
}

function Row({ person }: { person: PersonSummary }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const others = (person.identifier_count ?? person.identifiers.length) - 1;
  const first = person.identifiers[0];
  return (
    <tr>
      <td>
        <Link to="/people/$id" params={{ id: person.person_id }} className="plain cover">
          {displayName(person, t('unnamed'))}
        </Link>
      </td>
      <td className="quiet known">
        {first !== undefined && (
          <>
            <span className="clip">{person.name === null ? t(`kind.${first.kind}`, { defaultValue: first.kind }) : first.value}</span>
            {others > 0 && <span className="xs nowrap"> {t('and_more', { n: formats.number(others), count: others })}</span>}
          </>
        )}
      </td>
      <td>
        {person.suppressed === true ? (
          <State tone="stopped" icon={IconBan}>
            {t('permission.suppressed')}
          </State>
        ) : person.subscribed ? (
          <State tone="fine" icon={IconCheck}>
            {t('permission.subscribed')}
          </State>
        ) : (
          <State tone="quiet" icon={IconMinus}>
            {t('permission.none')}
          </State>
        )}
      </td>
      <td className="r quiet nowrap">{person.last_seen === null ? '–' : <time dateTime={person.last_seen} title={formats.moment(person.last_seen)}>{formats.recent(person.last_seen)}</time>}</td>
    </tr>
  );
}

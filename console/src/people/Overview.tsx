import { useTranslation } from 'react-i18next';
import { Section } from '../ui/parts';
import { Attributes } from './Attributes';
import { IdentityFigure } from './IdentityFigure';
import type { AskWhy, PersonData } from './Person';
import { PermissionGrid } from './PermissionGrid';
import { Timeline } from './Timeline';

export function Overview({ person, name, why }: { person: PersonData; name: string; why: AskWhy }) {
  const { t } = useTranslation('people');
  return (
    <div className="cols">
      <div>
        <Attributes person={person} />
        <Section title={t('may_send.title')}>
          <PermissionGrid consents={person.consents} />
        </Section>
        <Section title={t('identity.title')} aside={t('identity.legend')}>
          <IdentityFigure person={person} name={name} />
        </Section>
      </div>
      <div>
        <Timeline id={person.person_id} why={why} />
      </div>
    </div>
  );
}

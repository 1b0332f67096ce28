import { useTranslation } from 'react-i18next';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { IconBan, IconHandStop, IconRoute } from '../ui/icons';
import { Chip, initials } from '../ui/parts';
import type { PersonData } from './Person';

export function PersonHead({ person, name, onObject }: { person: PersonData; name: string; onObject: () => void }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const may = useScopes();
  const travelling = person.journeys.filter((journey) => journey.state === 'active' || journey.state === 'waiting').length;
  const objected = person.objected ?? [];
  return (
    <div className="who">
      <span className="face" aria-hidden="true">
        {initials(name)}
      </span>
      <h1>{name}</h1>
      {may('people:object') && (
        <Button kind="stop" onClick={onObject}>
          <IconHandStop />
          {t('stop_everything')}
        </Button>
      )}
      <p>
        {person.first_seen === null
          ? t('sentence.not_seen')
          : t('sentence.seen', { first: formats.date(person.first_seen), last: formats.moment(person.last_seen ?? person.first_seen) })}
      </p>
      {(travelling > 0 || objected.length > 0) && (
        <div className="now">
          {objected.length > 0 && (
            <Chip icon={IconBan} tone="stopped">
              {objected.includes('all') ? t('objected_all') : t('objected', { channels: objected.map((channel) => t(`common:channel.${channel}`)).join(', ') })}
            </Chip>
          )}
          {travelling > 0 && (
            <Chip icon={IconRoute} tone="clay">
              {t('travelling', { n: formats.number(travelling), count: travelling })}
            </Chip>
          )}
        </div>
      )}
    </div>
  );
}

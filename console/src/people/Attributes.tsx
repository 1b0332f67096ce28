import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { useScopes } from '../shell/useScopes';
import { useFormats } from '../texts/useFormats';
import { Button, IconButton } from '../ui/Button';
import { IconPencilMinus, IconPlus } from '../ui/icons';
import { Breakable, Section } from '../ui/parts';
import { CorrectionDialog } from './CorrectionDialog';
import type { PersonData } from './Person';
import { useShownValue } from './useShownValue';
import { inOrder, otherOpinions, valueText } from './valueText';

type Attribute = Schemas['Attribute'];
type Rank = Schemas['Rank'];

/** Said, corrected, observed, inferred: full, half, open, dotted. The word stands beside the mark. */
export function RankMark({ rank, when }: { rank: Rank; when?: string }) {
  const { t } = useTranslation('people');
  return (
    <span className={`src ${rank === 'stated' ? 'said' : rank}`}>
      <i />
      {t(`rank.${rank}`)}
      {when !== undefined && <span className="when">{when}</span>}
    </span>
  );
}

/** What we know, who says so since when, and what else somebody said. */
export function Attributes({ person }: { person: PersonData }) {
  const { t } = useTranslation('people');
  const may = useScopes();
  // The empty name stands for something that is not known yet.
  const [correcting, setCorrecting] = useState<string>();
  const correctable = may('people:correct');
  return (
    <Section
      title={t('know.title')}
      aside={
        correctable && (
          <Button kind="bare" small onClick={() => setCorrecting('')}>
            <IconPlus small />
            {t('know.add')}
          </Button>
        )
      }
    >
      {person.attributes.length === 0 && <p className="none">{t('know.none')}</p>}
      <dl>
        {inOrder(person.attributes).map((attribute) => (
          <Row key={attribute.name} attribute={attribute} {...(correctable ? { onCorrect: () => setCorrecting(attribute.name) } : {})} />
        ))}
      </dl>
      {correcting !== undefined && (
        <CorrectionDialog personId={person.person_id} known={person.attributes} attribute={person.attributes.find((each) => each.name === correcting)} onClose={() => setCorrecting(undefined)} />
      )}
    </Section>
  );
}

function Row({ attribute, onCorrect }: { attribute: Attribute; onCorrect?: () => void }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const { label, shown } = useShownValue();
  const others = otherOpinions(attribute);
  return (
    <div className={`kv ${others.length > 0 ? 'odds' : ''}`}>
      <dt>{label(attribute.name)}</dt>
      <dd className="value">
        <Breakable text={shown(attribute.name, attribute.value)} />
      </dd>
      <dd className="from" title={t('by', { source: attribute.source, date: formats.moment(attribute.at) })}>
        <RankMark rank={attribute.rank} when={attribute.rank === 'corrected' ? t('by', { source: attribute.source, date: formats.shortDate(attribute.at) }) : formats.shortDate(attribute.at)} />
        {onCorrect !== undefined && (
          <IconButton label={t('not_so_about', { attribute: label(attribute.name) })} small onClick={onCorrect}>
            <IconPencilMinus small />
          </IconButton>
        )}
      </dd>
      {others.map((other) => (
        <dd key={`${other.source} ${other.at} ${valueText(other.value)}`} className="odd">
          <span>
            {other.source}: <b>{shown(attribute.name, other.value)}</b>
          </span>
          <RankMark rank={other.rank} when={formats.shortDate(other.at)} />
        </dd>
      ))}
    </div>
  );
}

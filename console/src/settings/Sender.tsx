import './settings.css';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { senderQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { type Icon, IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconClock } from '../ui/icons';
import { CopyLine, Section, State, type Tone, Waiting } from '../ui/parts';
import { ModePanel } from './ModePanel';
import { SenderForm } from './SenderForm';

export type SenderData = Schemas['Sender'];
type DnsRecord = SenderData['records'][number];

/** Who writes, what the domain should say, and whether letters leave. */
export function Sender() {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  const sender = useQuery(senderQuery);
  const data = sender.data;
  return (
    <Screen crumbs={[{ label: t('common:nav.settings') }, { label: t('common:nav.sender') }]} settings panel={data !== undefined && <ModePanel sender={data} />}>
      <div className="head">
        <h1>
          {data === undefined
            ? t('common:nav.sender')
            : data.mode === 'live'
              ? t('sender.sentence_live', { brand: data.brand })
              : data.missing.length === 0
                ? t('sender.sentence_ready')
                : t('sender.sentence_missing', { n: formats.number(data.missing.length), count: data.missing.length })}
        </h1>
      </div>
      {sender.isError && <Trouble error={sender.error} retry={() => void sender.refetch()} />}
      <div className="body-pad">
        {sender.isPending && <Waiting label={t('common:loading')} />}
        {data !== undefined && (
          <>
            <SenderForm key={data.version} sender={data} />
            <Section title={t('dns.title')}>
              {data.records.length === 0 && <p className="none">{t('dns.none')}</p>}
              {data.records.map((record) => (
                <Dns key={`${record.purpose} ${record.name}`} record={record} />
              ))}
            </Section>
          </>
        )}
      </div>
    </Screen>
  );
}

const looks: Record<DnsRecord['state'], { tone: Tone; icon: Icon }> = {
  found: { tone: 'fine', icon: IconCircleCheck },
  missing: { tone: 'held', icon: IconClock },
  different: { tone: 'held', icon: IconAlertTriangle },
  unchecked: { tone: 'quiet', icon: IconCircleDashed },
};

function Dns({ record }: { record: DnsRecord }) {
  const { t } = useTranslation('settings');
  const formats = useFormats();
  return (
    <div className={`dns ${record.state === 'missing' || record.state === 'different' ? 'bad' : ''}`}>
      <div className="t">
        <b>{t(`dns.${record.purpose}`)}</b>
        <span>{t(`dns.${record.purpose}_text`)}</span>
      </div>
      <div className="v">
        <CopyLine lead={t('dns.name')} text={record.name} label={t('common:copy')} copiedLabel={t('common:copied')} />
        <CopyLine lead={record.type} text={record.value} label={t('common:copy')} copiedLabel={t('common:copied')} />
        {record.state === 'missing' && <p>{t('dns.missing_text')}</p>}
      </div>
      <div className="st">
        <State {...looks[record.state]}>{t(`dns.state.${record.state}`)}</State>
        {record.checked_at != null && <span className="sub">{formats.moment(record.checked_at)}</span>}
      </div>
    </div>
  );
}

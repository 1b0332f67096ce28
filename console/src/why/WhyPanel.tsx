import './why.css';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { whyQuery, type WhySubject } from '../api/queries';
import { Trouble } from '../shell/Trouble';
import { Phrase } from '../texts/Phrase';
import { useFormats } from '../texts/useFormats';
import { Button, WhySign } from '../ui/Button';
import { copyText } from '../ui/copyText';
import { IconCheck, IconLink } from '../ui/icons';
import { Panel } from '../ui/Panel';
import { Waiting } from '../ui/parts';
import { WhyChain } from './WhyChain';

/** Why did, or did not, this person get this? One sentence, then the gates, then what would have changed it. */
export function WhyPanel({ subject, onClose }: { subject: WhySubject; onClose: () => void }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const why = useQuery(whyQuery(subject));
  const [copied, setCopied] = useState(false);
  const at = why.data?.subject.at ?? null;
  return (
    <Panel
      name={t('why:title')}
      closeLabel={t('close')}
      onClose={onClose}
      title={
        <span className="clay flex">
          <WhySign />
          {t('why:title')}
        </span>
      }
      footer={
        <Button kind="bare" onClick={() => void copyText(location.href).then((done) => setCopied(done))}>
          {copied ? <IconCheck /> : <IconLink />}
          {t(copied ? 'copied' : 'copy_link')}
        </Button>
      }
    >
      {why.isError && <Trouble error={why.error} retry={() => void why.refetch()} />}
      {why.isPending && <Waiting label={t('loading')} rows={6} />}
      {why.data !== undefined && (
        <div className="whyp">
          <p className="lead">
            <Phrase
              text={`why:sentence.${why.data.sentence.code}`}
              params={{ person: why.data.subject.person, message: why.data.subject.message, journey: why.data.subject.journey, ...why.data.sentence.params }}
              fallback="why:sentence.unknown"
            />
          </p>
          {at !== null && <p className="meta">{t('why:meta', { moment: formats.moment(at), place: formats.place })}</p>}
          <WhyChain why={why.data} />
          {why.data.would_have_changed.code !== 'nothing' && (
            <div className="else">
              <b>{t('why:else')}</b>
              <p>
                <Phrase text={`why:changed.${why.data.would_have_changed.code}`} params={why.data.would_have_changed.params} fallback="why:changed.unknown" />
              </p>
            </div>
          )}
        </div>
      )}
    </Panel>
  );
}

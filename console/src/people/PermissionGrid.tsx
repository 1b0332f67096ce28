import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { IconBan, IconCheck, IconClock, IconX } from '../ui/icons';
import { grid } from './permissions';

type State = Schemas['ConsentState'];

/** What we may send: topics down, channels across. A dash is a question nobody has asked. */
export function PermissionGrid({ consents }: { consents: readonly Schemas['Consent'][] }) {
  const { t } = useTranslation('people');
  const { topics, channels, state } = grid(consents);
  if (topics.length === 0) return <p className="none">{t('may_send.none')}</p>;
  return (
    <table className="perm">
      <thead>
        <tr>
          <th scope="col">
            <span className="vh">{t('column.topic')}</span>
          </th>
          {channels.map((channel) => (
            <th key={channel} scope="col">
              {t(`common:channel.${channel}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {topics.map((topic) => (
          <tr key={topic}>
            <th scope="row">{topic}</th>
            {channels.map((channel) => (
              <td key={channel} className={looks[state(topic, channel)]}>
                <Mark state={state(topic, channel)} />
                <span className="vh">{t(`consent.${state(topic, channel)}`)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const looks: Record<State, string> = { subscribed: 'y', pending: 'p', unsubscribed: 'n', suppressed: 'n', none: 'na' };

function Mark({ state }: { state: State }) {
  switch (state) {
    case 'subscribed':
      return <IconCheck small />;
    case 'pending':
      return <IconClock small />;
    case 'unsubscribed':
      return <IconX small />;
    case 'suppressed':
      return <IconBan small />;
    case 'none':
      return <span aria-hidden="true">–</span>;
  }
}

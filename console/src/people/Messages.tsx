import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { MessageStateMark } from '../messages/states';
import { useFormats } from '../texts/useFormats';
import { WhyMark } from '../ui/Button';
import type { AskWhy, PersonData } from './Person';

/** What we wanted to say to this person, and what became of each. */
export function Messages({ person, why }: { person: PersonData; why: AskWhy }) {
  const { t } = useTranslation('people');
  const formats = useFormats();
  if (person.messages.length === 0) return <p className="none">{t('messages.none')}</p>;
  return (
    <ul className="rows">
      {person.messages.map((message) => (
        <li key={message.decision_id} className="row" aria-current={why.open?.decision === message.decision_id}>
          <div className="grow">
            <p className="clip">
              <Link to="/messages/$id" params={{ id: message.decision_id }}>
                <em>{message.message}</em>
              </Link>
            </p>
            <p className="sub">
              {t(`common:channel.${message.channel}`)} · <em>{message.journey}</em> · {formats.moment(message.at)}
            </p>
          </div>
          <MessageStateMark state={message.state} />
          <WhyMark label={t('messages.why', { message: message.message })} expanded={why.open?.decision === message.decision_id} onClick={() => why.decision(message.decision_id)} />
        </li>
      ))}
    </ul>
  );
}

import './people.css';
import '../events/events.css';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Schemas } from '../api/client';
import { personQuery } from '../api/queries';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { Waiting } from '../ui/parts';
import { WhyPanel } from '../why/WhyPanel';
import { Consents } from './Consents';
import { Identity } from './Identity';
import { Journeys } from './Journeys';
import { Messages } from './Messages';
import { ObjectionDialog } from './ObjectionDialog';
import { Overview } from './Overview';
import { displayName } from './PeopleTable';
import { PersonHead } from './PersonHead';
import { PersonTabs, tabOf } from './PersonTabs';

export type PersonData = Schemas['Person'];

/** What a part of this screen may ask for: the reasons of a decision, or of a journey. */
export interface AskWhy {
  open: { decision?: string; journey?: string } | undefined;
  decision: (id: string) => void;
  journey: (name: string) => void;
}

/** Everything we know of one person, how we know it, and what we may do with it. */
export function Person() {
  const { t } = useTranslation('people');
  const { id } = useParams({ from: '/shell/people/$id' });
  const search = useSearch({ from: '/shell/people/$id' });
  const navigate = useNavigate({ from: '/people/$id' });
  const person = useQuery(personQuery(id));
  const [objecting, setObjecting] = useState(false);
  const survivor = person.data?.person_id;

  // An id that was merged away answers with the person who stayed: the address follows.
  useEffect(() => {
    if (survivor !== undefined && survivor !== id) void navigate({ to: '/people/$id', params: { id: survivor }, search: (before) => before, replace: true });
  }, [survivor, id, navigate]);

  const show = (change: { why?: string | undefined; journey?: string | undefined; tab?: string | undefined }) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const why: AskWhy = {
    open: search.why !== undefined ? { decision: search.why } : search.journey !== undefined ? { journey: search.journey } : undefined,
    decision: (decision) => show({ why: decision, journey: undefined }),
    journey: (journey) => show({ journey, why: undefined }),
  };
  const name = person.data === undefined ? t('title') : displayName(person.data, t('unnamed'));
  const tab = tabOf(search.tab);

  return (
    <Screen
      crumbs={[{ label: t('title'), link: { to: '/people' } }, { label: name }]}
      panel={why.open !== undefined && <WhyPanel key={JSON.stringify(why.open)} subject={{ person: id, ...why.open }} onClose={() => show({ why: undefined, journey: undefined })} />}
    >
      {person.isError && <Trouble error={person.error} retry={() => void person.refetch()} />}
      {person.isPending && <Waiting label={t('common:loading')} />}
      {person.data !== undefined && (
        <>
          <PersonHead person={person.data} name={name} onObject={() => setObjecting(true)} />
          <PersonTabs person={person.data} tab={tab} onChoose={(chosen) => show({ tab: chosen === 'overview' ? undefined : chosen })} />
          <div role="tabpanel" aria-label={t(`tab.${tab}`)} className="tab-panel">
            {tab === 'overview' && <Overview person={person.data} name={name} why={why} />}
            {tab === 'messages' && <Messages person={person.data} why={why} />}
            {tab === 'journeys' && <Journeys person={person.data} why={why} />}
            {tab === 'permissions' && <Consents person={person.data} />}
            {tab === 'identity' && <Identity person={person.data} name={name} />}
          </div>
          {objecting && <ObjectionDialog person={person.data} name={name} onClose={() => setObjecting(false)} />}
        </>
      )}
    </Screen>
  );
}

import './people.css';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { peopleQuery } from '../api/queries';
import { More } from '../shell/More';
import { Screen } from '../shell/Screen';
import { Trouble } from '../shell/Trouble';
import { useFormats } from '../texts/useFormats';
import { Button } from '../ui/Button';
import { IconSearch } from '../ui/icons';
import { Empty, Waiting } from '../ui/parts';
import { PeopleTable } from './PeopleTable';

/** Whom we know: by any identifier, otherwise the most recently active. */
export function People() {
  const { t } = useTranslation('people');
  const formats = useFormats();
  const navigate = useNavigate({ from: '/people' });
  const { q = '' } = useSearch({ from: '/shell/people' });
  const people = useInfiniteQuery({ ...peopleQuery(q), placeholderData: keepPreviousData });
  const items = people.data?.pages.flatMap((page) => page.items) ?? [];
  const total = people.data?.pages[0]?.total;
  const found = { n: formats.number(items.length), count: items.length };

  return (
    <Screen crumbs={[{ label: t('title') }]}>
      <div className="head">
        <h1>
          {q === '' && total !== undefined && t('sentence.all', { n: formats.number(total), count: total })}
          {q === '' && total === undefined && t('sentence.recent')}
          {q !== '' && people.data !== undefined && (items.length === 0 ? t('sentence.searched', { q }) : t('sentence.found', found))}
          {q !== '' && people.data === undefined && t('sentence.searching')}
        </h1>
        <Search key={q} q={q} onSearch={(wanted) => void navigate({ search: wanted === '' ? {} : { q: wanted } })} />
      </div>
      {people.isError && <Trouble error={people.error} retry={() => void people.refetch()} />}
      <div className="body-pad" aria-busy={people.isFetching}>
        {people.isPending && <Waiting label={t('common:loading')} />}
        {people.data !== undefined && items.length === 0 && (
          <Empty
            title={t(q === '' ? 'empty.title' : 'nobody.title')}
            action={q !== '' && <Button onClick={() => void navigate({ search: {} })}>{t('nobody.all')}</Button>}
          >
            {t(q === '' ? 'empty.text' : 'nobody.text')}
          </Empty>
        )}
        {items.length > 0 && <PeopleTable people={items} />}
        <More pages={people} />
      </div>
    </Screen>
  );
}

function Search({ q, onSearch }: { q: string; onSearch: (wanted: string) => void }) {
  const { t } = useTranslation('people');
  const [wanted, setWanted] = useState(q);
  return (
    <form
      className="people-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(wanted.trim());
      }}
    >
      <input type="search" className="in" value={wanted} maxLength={320} aria-label={t('search.label')} placeholder={t('search.hint')} onChange={(event) => setWanted(event.currentTarget.value)} />
      <Button submit>
        <IconSearch />
        {t('search.button')}
      </Button>
    </form>
  );
}

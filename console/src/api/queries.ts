// Every question the console asks, by name. Keys begin with the words of the stream of changes (stream.ts).
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, setCsrf, take } from './client';

export const metaQuery = queryOptions({ queryKey: ['meta'], queryFn: () => take(api.GET('/api/v1/meta')) });

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async () => {
    const session = await take(api.GET('/api/v1/session'));
    setCsrf(session.csrf);
    return session;
  },
  retry: false,
});

export const liveQuery = (state: 'quarantined' | undefined) =>
  queryOptions({
    queryKey: ['live', state ?? 'all'],
    queryFn: () => take(api.GET('/api/v1/events/live', { params: { query: { limit: 100, ...(state === undefined ? {} : { state }) } } })),
  });

interface Page {
  next: string | null;
}

const nextPage = (page: Page) => page.next ?? undefined;
const cursorOf = (cursor: string) => (cursor === '' ? {} : { cursor });

export const peopleQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['people', q],
    queryFn: ({ pageParam }) => take(api.GET('/api/v1/people', { params: { query: { limit: 50, ...(q === '' ? {} : { q }), ...cursorOf(pageParam) } } })),
    initialPageParam: '',
    getNextPageParam: nextPage,
  });

export const personQuery = (id: string) =>
  queryOptions({ queryKey: ['person', id], queryFn: () => take(api.GET('/api/v1/people/{id}', { params: { path: { id } } })) });

export const timelineQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['person', id, 'timeline'],
    queryFn: ({ pageParam }) => take(api.GET('/api/v1/people/{id}/timeline', { params: { path: { id }, query: { limit: 50, ...cursorOf(pageParam) } } })),
    initialPageParam: '',
    getNextPageParam: nextPage,
  });

export interface WhySubject {
  person: string;
  decision?: string | undefined;
  journey?: string | undefined;
}

export const whyQuery = ({ person, decision, journey }: WhySubject) =>
  queryOptions({
    queryKey: ['person', person, 'why', decision ?? '', journey ?? ''],
    queryFn: () =>
      take(
        api.GET('/api/v1/why', {
          params: { query: { person, ...(decision === undefined ? {} : { decision }), ...(journey === undefined ? {} : { journey }) } },
        }),
      ),
  });

export const messageQuery = (id: string) =>
  queryOptions({
    queryKey: ['message', id],
    queryFn: () => take(api.GET('/api/v1/messages/{decision_id}', { params: { path: { decision_id: id } } })),
  });

export const outboxQuery = infiniteQueryOptions({
  queryKey: ['outbox', 'list'],
  queryFn: ({ pageParam }) => take(api.GET('/api/v1/outbox', { params: { query: { limit: 50, ...cursorOf(pageParam) } } })),
  initialPageParam: '',
  getNextPageParam: nextPage,
});

export const outboxMessageQuery = (id: string) =>
  queryOptions({
    queryKey: ['outbox-message', id],
    queryFn: () => take(api.GET('/api/v1/outbox/{id}', { params: { path: { id } } })),
    staleTime: Infinity,
  });

export const sourcesQuery = queryOptions({ queryKey: ['sources'], queryFn: () => take(api.GET('/api/v1/sources')) });
export const keysQuery = queryOptions({ queryKey: ['keys'], queryFn: () => take(api.GET('/api/v1/keys')) });
export const usersQuery = queryOptions({ queryKey: ['users'], queryFn: () => take(api.GET('/api/v1/users')) });
export const senderQuery = queryOptions({ queryKey: ['sender'], queryFn: () => take(api.GET('/api/v1/sender')) });

export const auditQuery = infiniteQueryOptions({
  queryKey: ['audit'],
  queryFn: ({ pageParam }) => take(api.GET('/api/v1/audit', { params: { query: { limit: 50, ...cursorOf(pageParam) } } })),
  initialPageParam: '',
  getNextPageParam: nextPage,
});

import type { QueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type Schemas, setCsrf } from '../api/client';
import { metaQuery, sessionQuery } from '../api/queries';

/** An address inside the console; anything else would send whoever signs in to a foreign page. */
export function safeTarget(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])/.test(to) ? to : '/';
}

/** Goes in with a new session. */
export function useEnter(cache: QueryClient): (session: Schemas['Session'], to?: string) => Promise<void> {
  const navigate = useNavigate();
  return async (session, to) => {
    setCsrf(session.csrf);
    cache.setQueryData(sessionQuery.queryKey, session);
    await cache.fetchQuery({ ...metaQuery, staleTime: 0 });
    await navigate({ href: `/app${safeTarget(to).replace(/^\/app(?=\/|$)/, '')}`, replace: true });
  };
}

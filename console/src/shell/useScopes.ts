import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../api/client';
import { sessionQuery } from '../api/queries';

export type Scope = Schemas['Scope'];

/** What whoever is signed in may do. What they may not is hidden, not greyed; the server decides all the same. */
export function useScopes(): (scope: Scope) => boolean {
  const { data: session } = useQuery(sessionQuery);
  return (scope) => session?.user.scopes.includes(scope) ?? false;
}

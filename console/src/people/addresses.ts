import type { Schemas } from '../api/client';

// An objection reaches what somebody can be written to at, whether or not they were ever asked there.
const addressKinds: readonly string[] = ['email', 'phone', 'device'];

/** How many addresses of a person an objection closes: everywhere, or by e-mail only. */
export function addressCount(identifiers: readonly Schemas['Identifier'][], where: 'all' | 'email'): number {
  return identifiers.filter(({ kind }) => (where === 'email' ? kind === 'email' : addressKinds.includes(kind))).length;
}

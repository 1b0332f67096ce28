import type { Schemas } from '../api/client';
import type { Params } from '../texts/format';

type Entry = Schemas['AuditEntry'];

// The log keeps no names of people, so that an erasure leaves none in it: whom it was about is one step away.
const shortIdLength = 8;

/** Which sentence tells an entry, and its values. What was changed about somebody decides between sentences. */
export function auditText({ action, subject, params }: Entry): { text: string; params: Params } {
  const name = subject === null ? '' : subject.name || subject.id.slice(0, shortIdLength);
  const values: Params = { ...params, name };
  switch (action) {
    case 'sign_in_refused': {
      // Who was tried, if somebody has that address; what else was typed as one may have been a password.
      const tried = params['name'] ?? name;
      return { text: tried === '' ? 'settings:action.sign_in_refused_unknown' : 'settings:action.sign_in_refused', params: { ...values, name: tried } };
    }
    case 'user_changed':
      if (params['role'] !== undefined) return { text: 'settings:action.user_given_role', params: values };
      if (params['enabled'] !== undefined) return { text: params['enabled'] === 'true' ? 'settings:action.user_let_in' : 'settings:action.user_shut_out', params: values };
      if (params['name'] !== undefined) return { text: 'settings:action.user_renamed', params: { ...values, new_name: params['name'] } };
      return { text: params['language'] === undefined ? 'settings:action.user_changed' : 'settings:action.user_given_language', params: values };
    case 'person_objected':
      return { text: params['channel'] === undefined || params['channel'] === 'all' ? 'settings:action.person_objected' : 'settings:action.person_objected_channel', params: values };
    default:
      return { text: `settings:action.${action}`, params: values };
  }
}

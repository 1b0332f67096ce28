import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { auditText } from './auditText';

const entry = (part: Partial<Schemas['AuditEntry']>): Schemas['AuditEntry'] => ({
  id: '1',
  at: '2026-11-19T18:00:00.000Z',
  actor: { kind: 'user', name: 'Ana' },
  action: 'user_changed',
  subject: { kind: 'user', id: '6f1c2a90b7d84e5fa3c1d2e4f5061728', name: 'ana@example.org' },
  params: {},
  ...part,
});

const refused = (subject: Schemas['AuditEntry']['subject'], params = {}) => auditText(entry({ action: 'sign_in_refused', subject, params }));

describe('an entry of the log', () => {
  it('says what was changed about somebody', () => {
    expect(auditText(entry({ params: { role: 'viewer', name: 'Ana' } })).text).toBe('settings:action.user_given_role');
    expect(auditText(entry({ params: { enabled: 'false' } })).text).toBe('settings:action.user_shut_out');
    expect(auditText(entry({ params: { enabled: 'true' } })).text).toBe('settings:action.user_let_in');
    expect(auditText(entry({ params: { language: 'fr' } })).text).toBe('settings:action.user_given_language');
    expect(auditText(entry({})).text).toBe('settings:action.user_changed');
  });

  it('keeps apart who was renamed and the new name', () => {
    const renamed = auditText(entry({ params: { name: 'Ana María' } }));
    expect(renamed).toEqual({ text: 'settings:action.user_renamed', params: { name: 'ana@example.org', new_name: 'Ana María' } });
  });

  it('of a refused sign-in names who was tried, or that nobody has the address', () => {
    const nobody = { kind: 'user', id: '', name: '' };
    expect(refused({ kind: 'user', id: '6f1c', name: 'ana@example.org' })).toEqual({ text: 'settings:action.sign_in_refused', params: { name: 'ana@example.org' } });
    expect(refused(nobody, { name: 'ana@example.org' })).toEqual({ text: 'settings:action.sign_in_refused', params: { name: 'ana@example.org' } });
    expect(refused(nobody).text).toBe('settings:action.sign_in_refused_unknown');
    expect(refused(null).text).toBe('settings:action.sign_in_refused_unknown');
  });

  it('does not say that everything was stopped when one channel was', () => {
    expect(auditText(entry({ action: 'person_objected', params: { channel: 'all' } })).text).toBe('settings:action.person_objected');
    expect(auditText(entry({ action: 'person_objected', params: { channel: 'email' } })).text).toBe('settings:action.person_objected_channel');
  });
});

import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { grid } from './permissions';

const consent = (part: Partial<Schemas['Consent']>): Schemas['Consent'] => ({
  channel: 'email',
  address: 'ana@example.org',
  topic: 'care',
  purpose: 'information',
  brand: 'raices',
  state: 'subscribed',
  entry_id: null,
  since: null,
  text_version: null,
  method: null,
  ...part,
});

describe('the grid of permissions', () => {
  it('shows a topic on a channel that nobody asked about as none', () => {
    const shown = grid([consent({}), consent({ channel: 'sms', topic: 'meetings' })]);
    expect(shown.topics).toEqual(['care', 'meetings']);
    expect(shown.state('care', 'sms')).toBe('none');
  });

  it('shows the most open of several addresses', () => {
    const shown = grid([consent({ state: 'unsubscribed' }), consent({ address: 'a@b.example', state: 'pending' })]);
    expect(shown.state('care', 'email')).toBe('pending');
  });
});

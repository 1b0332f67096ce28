import { describe, expect, it } from 'vitest';
import { lastWords } from './lastWords';

const step = (decision_id: string, state: string, at: string) => ({ id: `${decision_id}-${state}`, at, kind: 'message' as const, name: 'Welcome', state, decision_id });

describe('the steps of a message', () => {
  it('that were taken at one moment are one line: the last', () => {
    const items = [step('a', 'held', '09:16'), step('a', 'decided', '09:16'), step('a', 'sent', '09:16')];
    expect(lastWords(items).map((item) => item.state)).toEqual(['sent']);
  });

  it('that took their time are told one by one', () => {
    const items = [step('a', 'sent', '08:15'), step('a', 'held', '07:23'), step('b', 'sent', '07:23')];
    expect(lastWords(items).map((item) => item.id)).toEqual(['a-sent', 'a-held', 'b-sent']);
  });
});

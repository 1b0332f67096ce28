import { describe, expect, it } from 'vitest';
import { type Gate, gateDetail, gateOffset, minutesOf, quietStretches, titleOf } from './gates';

const gate = (part: Partial<Gate>): Gate => ({ code: 'consent', state: 'passed', value: null, limit: null, at: null, params: {}, ...part });

describe('the detail of a gate', () => {
  it('is its own when all its values are there', () => {
    expect(gateDetail(gate({ code: 'cap_person', value: 2, params: { count: 2, limit: 3, window_days: 7 } }))?.key).toBe('why:detail.cap_person');
  });

  it('is value and limit when one is missing, so that a text has no holes', () => {
    expect(gateDetail(gate({ code: 'cap_person', value: 2, limit: 3, params: { count: 2 } }))).toEqual({ key: 'why:detail.value_limit', params: { value: 2, limit: 3 } });
  });

  it('is nothing when nothing is known', () => {
    expect(gateDetail(gate({ code: 'new_gate', state: 'not_reached' }))).toBeUndefined();
  });

  it('does not repeat the event that the title names', () => {
    expect(gateDetail(gate({ code: 'trigger', value: 'Signed Up', params: { event: 'Signed Up' } }))).toBeUndefined();
  });

  it('is the sentence of a reason, never its code', () => {
    expect(gateDetail(gate({ state: 'stopped', value: 'no_grant', params: { topic: 'tips', reason: 'no_grant' } }))).toEqual({ key: 'why:reason.no_grant', params: {} });
    expect(gateDetail(gate({ value: 'granted', params: { topic: null, reason: 'granted' } }))).toEqual({ key: 'why:reason.granted', params: {} });
  });

  it('says in its title that the sandbox kept it, and nothing of a mail server', () => {
    const kept = gate({ code: 'delivery', params: { reason: 'sandbox' } });
    expect(titleOf(kept)).toBe('sandbox');
    expect(gateDetail(kept)).toBeUndefined();
  });

  it('of the identity gate counts, so that plurals work', () => {
    expect(gateDetail(gate({ code: 'identity', params: { identifiers: 4 } }))?.params['count']).toBe(4);
  });
});

describe('the time of a gate', () => {
  it('is whole for the first and an offset for those at once after it', () => {
    expect(gateOffset('2026-11-19T18:00:00.000Z', '2026-11-19T18:00:00.000Z', true)).toEqual({ at: '2026-11-19T18:00:00.000Z' });
    expect(gateOffset('2026-11-19T18:00:00.000Z', '2026-11-19T18:00:00.000Z')).toEqual({ offsetMs: 0 });
    expect(gateOffset('2026-11-19T18:00:00.000Z', '2026-11-19T18:00:00.003Z')).toEqual({ offsetMs: 3 });
  });

  it('is whole again after a long wait', () => {
    expect(gateOffset('2026-11-19T18:00:00.000Z', '2026-11-20T07:30:00.000Z')).toEqual({ at: '2026-11-20T07:30:00.000Z' });
  });

  it('is nothing for a gate that was not reached', () => {
    expect(gateOffset('2026-11-19T18:00:00.000Z', null)).toBeUndefined();
  });
});

describe('quiet hours', () => {
  it('go over midnight', () => {
    expect(quietStretches(21 * 60, 9 * 60)).toEqual([
      { start: 0, end: 0.375 },
      { start: 0.875, end: 1 },
    ]);
  });

  it('may lie within the day, and may be none', () => {
    expect(quietStretches(12 * 60, 18 * 60)).toEqual([{ start: 0.5, end: 0.75 }]);
    expect(quietStretches(60, 60)).toEqual([]);
  });

  it('are read from clock times only', () => {
    expect(minutesOf('21:30')).toBe(1290);
    expect(minutesOf('tonight')).toBeUndefined();
    expect(minutesOf('99:00')).toBeUndefined();
  });
});

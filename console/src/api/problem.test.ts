import { describe, expect, it } from 'vitest';
import { asProblem, problemOf } from './problem';

describe('a problem', () => {
  it('keeps code, parameters and place as the server sent them', () => {
    const body = { code: 'too_long', title: 'x', params: { limit: 100 }, pointer: '/name' };
    expect(asProblem(body, 422)).toEqual({ type: 'about:blank', status: 422, ...body });
  });

  it('is an unexpected answer when a proxy speaks instead of the server', () => {
    expect(asProblem('<html>', 502).code).toBe('unexpected_answer');
  });

  it('is no answer when the connection failed', () => {
    expect(problemOf(new TypeError('Failed to fetch')).code).toBe('no_answer');
  });
});

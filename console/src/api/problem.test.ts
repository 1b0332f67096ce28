import { describe, expect, it } from 'vitest';
import { asProblem, fieldOf, isSignedOut, problemOf, ProblemError } from './problem';

const refused = (code: string) => new ProblemError(asProblem({ code }, 401));

describe('a problem', () => {
  it('keeps code, parameters and place as the server sent them', () => {
    const body = { code: 'too_long', title: 'x', params: { limit: 100 }, pointer: '/name' };
    expect(asProblem(body, 422)).toEqual({ type: 'about:blank', status: 422, ...body });
  });

  it('is an unexpected answer when a proxy speaks instead of the server', () => {
    expect(asProblem('<html>', 502).code).toBe('unexpected_answer');
  });

  it('names the field of the form, wherever in it the trouble is', () => {
    expect(fieldOf(asProblem({ code: 'required', pointer: '/new_password' }, 422))).toBe('new_password');
    expect(fieldOf(asProblem({ code: 'unknown_scope', pointer: '/scopes/2' }, 422))).toBe('scopes');
    expect(fieldOf(asProblem({ code: 'too_long', params: { field: 'q' } }, 422))).toBe('q');
    expect(fieldOf(asProblem({ code: 'overloaded' }, 429))).toBe('');
  });

  it('ends the session only when it says so, not when a password is wrong', () => {
    expect(isSignedOut(refused('unauthenticated'))).toBe(true);
    expect(isSignedOut(refused('wrong_credentials'))).toBe(false);
    expect(isSignedOut(new TypeError('Failed to fetch'))).toBe(false);
  });

  it('is no answer when the connection failed', () => {
    expect(problemOf(new TypeError('Failed to fetch')).code).toBe('no_answer');
  });
});

import type { components } from './schema';

export type Problem = components['schemas']['Problem'];

/** What a failed call throws into the query cache. A call that got no answer at all has the code `no_answer`. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { type: 'about:blank', title: String(error), status: 0, code: 'no_answer' };
}

/** The member of the body that is refused, without its place in a list: `scopes` of `/scopes/2`. Empty when none is. */
export function fieldOf({ pointer, params }: Problem): string {
  const named = params?.['field'];
  return pointer?.split('/')[1] ?? (typeof named === 'string' ? named : '');
}

/**
 * The session that asked is over. A wrong password and a used link are 401, too, but of somebody who has none yet; only this
 * code is about the one they had.
 */
export function isSignedOut(error: unknown): boolean {
  return problemOf(error).code === 'unauthenticated';
}

/** A body that should be a problem; a proxy between us and the server may answer with anything. */
export function asProblem(body: unknown, status: number): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
    return { type: 'about:blank', title: body.code, ...body, status } as Problem;
  }
  return { type: 'about:blank', title: `HTTP ${status}`, status, code: 'unexpected_answer' };
}

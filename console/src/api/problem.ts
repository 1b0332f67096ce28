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

/** A body that should be a problem; a proxy between us and the server may answer with anything. */
export function asProblem(body: unknown, status: number): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') {
    return { type: 'about:blank', title: body.code, ...body, status } as Problem;
  }
  return { type: 'about:blank', title: `HTTP ${status}`, status, code: 'unexpected_answer' };
}

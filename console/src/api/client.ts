import createClient from 'openapi-fetch';
import { asProblem, ProblemError } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

const http = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' });

// The session's word against foreign pages; commands carry it. Kept in memory only.
let csrf = '';

export function setCsrf(token: string): void {
  csrf = token;
}

http.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && csrf !== '') request.headers.set('X-CSRF-Token', csrf);
    return request;
  },
});

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or a thrown ProblemError: the query cache tells the two apart by the throw. */
export async function take<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (response.ok) return data as Data;
  throw new ProblemError(asProblem(error, response.status));
}

/** A key that makes a repeated command do nothing: one for each time a person asks. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const api = http;

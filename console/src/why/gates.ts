// What can be said about a gate beyond its title, from the data the server sent. No rule is repeated here: values and
// limits are shown, never computed.
import type { Schemas } from '../api/client';
import type { Params } from '../texts/format';

export type Gate = Schemas['Gate'];

/** The parameters without which a gate's own detail would have holes. */
const needed: Record<string, readonly string[]> = {
  audience: ['condition'],
  identity: ['identifiers'],
  consent: ['topic', 'recorded_at'],
  cap_person: ['count', 'limit', 'window_days'],
  cap_address: ['count', 'limit', 'window_seconds'],
  quiet_hours: ['from', 'to', 'local_time'],
  priority: ['ahead'],
  render: ['missing'],
  claim: ['attempt'],
  delivery: ['answer'],
};

export interface Detail {
  key: string;
  params: Params;
}

/** A message that answers what somebody did, such as a receipt: it needs no permission, so none was given. */
export function isTransactional(gate: Gate): boolean {
  return gate.code === 'consent' && gate.state === 'passed' && gate.value === 'transactional';
}

/** Why it stopped or passed, as a code with a sentence of its own. */
export function reasonOf(gate: Gate): string | undefined {
  const reason = gate.params['reason'];
  return typeof reason === 'string' && reason !== '' ? reason : undefined;
}

/** What the title of a gate is about: mostly the gate, sometimes the reason for which it was open. */
export function titleOf(gate: Gate): string {
  if (isTransactional(gate)) return 'transactional';
  return reasonOf(gate) === 'sandbox' && gate.state === 'passed' ? 'sandbox' : gate.code;
}

/** The line below a gate's title: its own when all its values are there, otherwise value and limit, otherwise nothing. */
export function gateDetail(gate: Gate): Detail | undefined {
  const reason = reasonOf(gate);
  if (titleOf(gate) !== gate.code) return undefined;
  if (reason !== undefined && gate.state !== 'passed' && reason !== 'value_missing') return { key: `why:reason.${reason}`, params: {} };
  const names = needed[gate.code];
  if (names?.every((name) => gate.params[name] !== undefined && gate.params[name] !== null) === true) {
    const windowSeconds = gate.params['window_seconds'];
    const params: Params = { ...gate.params, value: gate.value };
    if (gate.code === 'identity') params['count'] = Number(gate.params['identifiers']);
    if (typeof windowSeconds === 'number') params['window_minutes'] = Math.round(windowSeconds / 60);
    return { key: `why:detail.${gate.code}`, params };
  }
  // Passing carries no limit: how many there had been, or for which topic, is all there is to say.
  if (gate.code === 'cap_person' && gate.limit === null && typeof gate.params['count'] === 'number') return { key: 'why:detail.so_far', params: { n: gate.params['count'] } };
  if (gate.code === 'consent' && gate.state === 'passed' && gate.params['topic'] != null) return { key: 'why:detail.topic', params: { topic: gate.params['topic'] } };
  if (reason !== undefined) return { key: `why:reason.${reason}`, params: {} };
  if (gate.value === null) return undefined;
  if (gate.limit === null) return gate.params['event'] === gate.value ? undefined : { key: 'why:detail.value', params: { value: gate.value } };
  return { key: 'why:detail.value_limit', params: { value: gate.value, limit: gate.limit } };
}

/** How a gate's time is shown: that of the first whole, those of the same minute as milliseconds after it, later ones whole again. */
export function gateOffset(first: string | null, at: string | null, begins = false): { offsetMs: number } | { at: string } | undefined {
  if (at === null) return undefined;
  if (begins || first === null) return { at };
  const offsetMs = Date.parse(at) - Date.parse(first);
  return offsetMs >= 0 && offsetMs < 60_000 ? { offsetMs } : { at };
}

/** Minutes since midnight of `HH:MM`, or nothing for anything else. */
export function minutesOf(clock: unknown): number | undefined {
  const match = typeof clock === 'string' ? /^(\d{1,2}):(\d{2})/.exec(clock) : null;
  if (match === null) return undefined;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return minutes <= 24 * 60 ? minutes : undefined;
}

/** The stretches of one day that are quiet, as fractions of it; a night goes over midnight. */
export function quietStretches(from: number, to: number): { start: number; end: number }[] {
  const day = 24 * 60;
  if (from === to) return [];
  if (from < to) return [{ start: from / day, end: to / day }];
  return [
    { start: 0, end: to / day },
    { start: from / day, end: 1 },
  ].filter((stretch) => stretch.end > stretch.start);
}

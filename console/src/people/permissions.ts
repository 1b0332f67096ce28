// How the entries of several addresses are shown in one small table. It shows, it does not decide: the server decides
// for one address at a time.
import type { Schemas } from '../api/client';

type Consent = Schemas['Consent'];
type State = Schemas['ConsentState'];
type Channel = Schemas['Channel'];

// Of several addresses on one channel the most open is shown, since one is enough to reach the person.
const openness: readonly State[] = ['none', 'suppressed', 'unsubscribed', 'pending', 'subscribed'];

export interface Grid {
  topics: string[];
  channels: Channel[];
  state: (topic: string, channel: Channel) => State;
}

export function grid(consents: readonly Consent[]): Grid {
  const states = new Map<string, State>();
  for (const consent of consents) {
    const cell = JSON.stringify([consent.topic, consent.channel]);
    const before = states.get(cell) ?? 'none';
    if (openness.indexOf(consent.state) > openness.indexOf(before)) states.set(cell, consent.state);
  }
  return {
    topics: [...new Set(consents.map((consent) => consent.topic))].toSorted((a, b) => a.localeCompare(b)),
    channels: [...new Set(consents.map((consent) => consent.channel))],
    state: (topic, channel) => states.get(JSON.stringify([topic, channel])) ?? 'none',
  };
}

import type { Schemas } from '../api/client';

type Item = Schemas['TimelineItem'];

/**
 * Leaves out what lasted no time: a message that was decided and sent at one moment was sent. Steps of one decision that
 * share their time come in the order in which they were taken, so the last of them stays.
 */
export function lastWords(items: readonly Item[]): Item[] {
  return items.filter((item, index) => {
    const next = items[index + 1];
    return item.kind !== 'message' || item.decision_id == null || next?.decision_id !== item.decision_id || next.at !== item.at;
  });
}

import type { Schemas } from '../api/client';

type Attribute = Schemas['Attribute'];
type Rank = Schemas['Rank'];

const strength: Record<Rank, number> = { stated: 0, corrected: 1, observed: 2, inferred: 3 };

/** What else somebody said. What the winner says again is no other opinion. */
export function otherOpinions(attribute: Attribute): Attribute['candidates'] {
  return attribute.candidates.slice(1).filter((candidate) => valueText(candidate.value) !== valueText(attribute.value));
}

/** What is disputed first, then what people said themselves, then the rest; otherwise as it came. */
export function inOrder(attributes: readonly Attribute[]): Attribute[] {
  const place = (attribute: Attribute) => (otherOpinions(attribute).length > 0 ? -1 : strength[attribute.rank]);
  return attributes.toSorted((a, b) => place(a) - place(b));
}

/** The name of an attribute we have no word for: `cares_for` is read as two words. */
export function keyText(name: string): string {
  return name.replaceAll('_', ' ');
}

/** A value as it was given, for reading: text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '–' : JSON.stringify(value);
}

/**
 * What somebody typed, in the kind the value had before: of a number a number, otherwise text. Nothing when it is none: a
 * number that became a text would no longer be less or more than anything, and journeys that compare it would stand still.
 */
export function parseAs(text: string, before: unknown): string | number | undefined {
  const trimmed = text.trim();
  if (typeof before !== 'number') return trimmed;
  return /^[-+]?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : undefined;
}

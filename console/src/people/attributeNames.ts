// Which attribute somebody means who writes its label: a second one under the same label would stand beside the first, and
// nobody could tell them apart.
import { keyText } from './valueText';

/** Attributes that have words of their own (texts, `people:attribute`), the usual spelling of each first. */
export const wordedAttributes = ['name', 'first_name', 'last_name', 'firstName', 'lastName', 'email', 'phone', 'language', 'city', 'country', 'age', 'time_zone', 'role'] as const;

const plain = (text: string) => text.trim().toLocaleLowerCase().replaceAll(/[\s_-]+/g, ' ');

/**
 * The name that `typed` stands for: one that the person has, then one that has words, otherwise as it was written. `label`
 * gives what is shown for a name.
 */
export function attributeMeant(typed: string, known: readonly string[], label: (name: string) => string): string {
  const wanted = plain(typed);
  const means = (name: string) => name === typed.trim() || plain(keyText(name)) === wanted || plain(label(name)) === wanted;
  return known.find(means) ?? wordedAttributes.find(means) ?? typed.trim();
}

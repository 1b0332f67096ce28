/** Texts by key, in groups. */
export interface Texts {
  [key: string]: string | Texts;
}

/** French puts a space before ; : ? ! and inside « »; the files have plain ones, and here they get ties, since no line may break there. */
export function tied(texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, typeof text === 'string' ? tiedText(text) : tied(text)]));
}

function tiedText(text: string): string {
  return text.replaceAll(/ (?=[;:?!»])/g, '\u00A0').replaceAll('« ', '«\u00A0');
}

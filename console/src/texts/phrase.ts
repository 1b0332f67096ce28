// A text with names in italics: `<em>{{message}}</em>`. Values are put in after the marks are read, so a value that
// contains a mark stays a value.

export interface Piece {
  text: string;
  emphasis: boolean;
}

// Private-use characters: no translation and no keyboard writes them.
const open = '\uE000';
const close = '\uE001';

/** What stands in a text for the value of that name while its marks are read. */
export function placeholder(name: string): string {
  return `${open}${name}${close}`;
}

/** Splits a text with placeholders and `<em>` marks into pieces, and fills in the values. */
export function pieces(text: string, values: Readonly<Record<string, string>>): Piece[] {
  const result: Piece[] = [];
  let emphasis = false;
  for (const part of text.split(/(<\/?em>)/)) {
    if (part === '<em>' || part === '</em>') {
      emphasis = part === '<em>';
    } else if (part !== '') {
      result.push({ text: fill(part, values), emphasis });
    }
  }
  return result;
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(new RegExp(`${open}([^${close}]*)${close}`, 'g'), (_, name: string) => values[name] ?? '–');
}

// A JSON text, broken into parts to be drawn. What is not JSON is one plain part: the body is shown as it came.

export interface Part {
  kind: 'plain' | 'name' | 'value';
  text: string;
  /** This value is where the problem is. */
  bad: boolean;
}

/** Formats a body, and marks the value that a JSON pointer names. */
export function jsonParts(body: string, pointer?: string): Part[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return [{ kind: 'plain', text: body, bad: false }];
  }
  const parts: Part[] = [];
  const put = (kind: Part['kind'], text: string, bad = false) => parts.push({ kind, text, bad });
  const walk = (value: unknown, at: string, indent: string) => {
    const bad = pointer !== undefined && pointer !== '' && at === pointer;
    if (typeof value !== 'object' || value === null) {
      put('value', JSON.stringify(value), bad);
      return;
    }
    const entries = Object.entries(value);
    const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
    if (entries.length === 0) {
      put('value', open + close, bad);
      return;
    }
    put('plain', `${open}\n`);
    entries.forEach(([name, inner], index) => {
      const path = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      put('plain', `${indent}  `);
      if (!Array.isArray(value)) put('name', `${JSON.stringify(name)}: `, path === pointer && typeof inner === 'object' && inner !== null);
      walk(inner, path, `${indent}  `);
      put('plain', index < entries.length - 1 ? ',\n' : '\n');
    });
    put('plain', indent + close);
  };
  walk(parsed, '', '');
  return parts;
}

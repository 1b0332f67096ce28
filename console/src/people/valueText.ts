/** A value as it was given, for reading: text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '–' : JSON.stringify(value);
}

/** What somebody typed, in the kind the value had before: a number stays a number, a yes or no stays one. */
export function parseAs(text: string, before: unknown): string | number | boolean {
  const trimmed = text.trim();
  if (typeof before === 'number' && trimmed !== '' && Number.isFinite(Number(trimmed))) return Number(trimmed);
  if (typeof before === 'boolean' && (trimmed === 'true' || trimmed === 'false')) return trimmed === 'true';
  return trimmed;
}

import { describe, expect, it } from 'vitest';
import { parseAs, valueText } from './valueText';

describe('a value', () => {
  it('is read as it was given', () => {
    expect(valueText('a carer')).toBe('a carer');
    expect(valueText(42)).toBe('42');
    expect(valueText(['es', 'fr'])).toBe('["es","fr"]');
    expect(valueText(null)).toBe('–');
  });

  it('keeps its kind when it is corrected', () => {
    expect(parseAs(' 43 ', 42)).toBe(43);
    expect(parseAs('false', true)).toBe(false);
    expect(parseAs('00 412', '00 411')).toBe('00 412');
  });

  it('becomes text when what was typed is not of that kind', () => {
    expect(parseAs('many', 42)).toBe('many');
    expect(parseAs('', 42)).toBe('');
  });
});

import { describe, expect, it } from 'vitest';
import { inOrder, keyText, parseAs, valueText } from './valueText';

const known = (name: string, rank: 'stated' | 'observed', value: string, ...others: string[]) => ({
  name,
  value,
  rank,
  source: 'web',
  at: '2026-11-13T09:00:00Z',
  candidates: [value, ...others].map((each) => ({ value: each, rank, source: 'web', at: '2026-11-13T09:00:00Z' })),
});

describe('the list of what we know', () => {
  it('begins with what is disputed, then with what people said themselves', () => {
    const attributes = [known('age', 'observed', '46', '46'), known('cares_for', 'stated', 'her mother'), known('role', 'observed', 'carer', 'patient')];
    expect(inOrder(attributes).map((attribute) => attribute.name)).toEqual(['role', 'cares_for', 'age']);
  });

  it('reads a name as words', () => {
    expect(keyText('cares_for')).toBe('cares for');
  });
});

describe('a value', () => {
  it('is read as it was given', () => {
    expect(valueText('a carer')).toBe('a carer');
    expect(valueText(42)).toBe('42');
    expect(valueText(['es', 'fr'])).toBe('["es","fr"]');
    expect(valueText(null)).toBe('–');
  });

  it('keeps its kind when it is corrected', () => {
    expect(parseAs(' 43 ', 42)).toBe(43);
    expect(parseAs('-3.5', 42)).toBe(-3.5);
    expect(parseAs('00 412', '00 411')).toBe('00 412');
  });

  it('that is a number is not taken as anything else', () => {
    expect(parseAs('many', 42)).toBeUndefined();
    expect(parseAs('3,5', 42)).toBeUndefined();
    expect(parseAs('0x10', 42)).toBeUndefined();
    expect(parseAs('', 42)).toBeUndefined();
  });
});

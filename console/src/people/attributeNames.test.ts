import { describe, expect, it } from 'vitest';
import { attributeMeant } from './attributeNames';

const labels: Record<string, string> = { city: 'lives in', firstName: 'first name', first_name: 'first name' };
const label = (name: string) => labels[name] ?? name;

describe('the attribute that is meant', () => {
  it('is the one whose label was written, not a second one beside it', () => {
    expect(attributeMeant('Lives in ', ['city'], label)).toBe('city');
    expect(attributeMeant('first name', ['firstName'], label)).toBe('firstName');
    expect(attributeMeant('Cares for', ['cares_for'], label)).toBe('cares_for');
  });

  it('is the usual one when the person has none yet', () => {
    expect(attributeMeant('First name', [], label)).toBe('first_name');
  });

  it('is a new one otherwise, as it was written', () => {
    expect(attributeMeant(' favourite walk ', ['city'], label)).toBe('favourite walk');
  });
});

import { describe, expect, it } from 'vitest';
import { initials } from './parts';

describe('initials', () => {
  it('are those of the first and the last name', () => {
    expect(initials('Ana Ferrer')).toBe('AF');
    expect(initials('María del Carmen Núñez')).toBe('MN');
  });

  it('are one letter for an address, and a point for a number', () => {
    expect(initials('ana.ferrer@example.org')).toBe('A');
    expect(initials('+34600000417')).toBe('·');
  });
});

import { describe, expect, it } from 'vitest';
import { safeTarget } from './useEnter';

describe('the way after signing in', () => {
  it('leads to the address that was asked for', () => {
    expect(safeTarget('/people/6f1c?tab=identity')).toBe('/people/6f1c?tab=identity');
  });

  it('never leads to another host', () => {
    expect(safeTarget('//evil.example')).toBe('/');
    expect(safeTarget('/\\evil.example')).toBe('/');
    expect(safeTarget('https://evil.example')).toBe('/');
    expect(safeTarget(undefined)).toBe('/');
  });
});

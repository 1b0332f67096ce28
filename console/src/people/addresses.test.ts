import { expect, it } from 'vitest';
import { addressCount } from './addresses';

it('counts what a person can be written to at, and nothing that only names them', () => {
  const kinds = ['user_id', 'email', 'email', 'phone', 'device', 'anonymous_id', 'customer_number'];
  const identifiers = kinds.map((kind, index) => ({ kind, value: String(index) }));
  expect(addressCount(identifiers, 'all')).toBe(4);
  expect(addressCount(identifiers, 'email')).toBe(2);
  expect(addressCount([], 'all')).toBe(0);
});

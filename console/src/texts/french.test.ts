import { expect, it } from 'vitest';
import { tied } from './french';

it('a French line breaks neither before its double signs nor inside its quotation marks', () => {
  expect(tied({ a: { b: 'Pourquoi ? Parce que : « oui » ; voilà' } })).toEqual({ a: { b: 'Pourquoi\u00A0? Parce que\u00A0: «\u00A0oui\u00A0»\u00A0; voilà' } });
});

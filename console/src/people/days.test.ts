import { expect, it } from 'vitest';
import { byDay } from './days';

it('a timeline is grouped by the day of the organisation, in its order', () => {
  const items = ['2026-11-20 a', '2026-11-20 b', '2026-11-19 c'];
  expect(byDay(items, (item) => item.slice(0, 10))).toEqual([
    { key: '2026-11-20', items: ['2026-11-20 a', '2026-11-20 b'] },
    { key: '2026-11-19', items: ['2026-11-19 c'] },
  ]);
});

import { describe, expect, it } from 'vitest';
import { pieces, placeholder } from './phrase';

describe('a phrase', () => {
  it('sets what is between the marks in italics', () => {
    const text = `${placeholder('person')} did not get <em>${placeholder('message')}</em>.`;
    expect(pieces(text, { person: 'Ana', message: 'Spring' })).toEqual([
      { text: 'Ana did not get ', emphasis: false },
      { text: 'Spring', emphasis: true },
      { text: '.', emphasis: false },
    ]);
  });

  it('keeps a mark that is part of a value as text', () => {
    expect(pieces(`<em>${placeholder('message')}</em>`, { message: '</em><em>x' })).toEqual([{ text: '</em><em>x', emphasis: true }]);
  });

  it('shows a dash for a value that is missing', () => {
    expect(pieces(`until ${placeholder('until_at')}`, {})).toEqual([{ text: 'until –', emphasis: false }]);
  });
});

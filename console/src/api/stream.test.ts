import { describe, expect, it } from 'vitest';
import { keysOf, queryKeyOf } from './stream';

describe('the stream of changes', () => {
  it('reads the keys of a message', () => {
    expect(keysOf('["live","person:6f1c"]')).toEqual(['live', 'person:6f1c']);
  });

  it('takes anything else for nothing', () => {
    expect(keysOf('live')).toEqual([]);
    expect(keysOf('{"keys":1}')).toEqual([]);
    expect(keysOf('[1,null,"outbox"]')).toEqual(['outbox']);
  });

  it('turns the key of one person into the key of their queries', () => {
    expect(queryKeyOf('person:6f1c')).toEqual(['person', '6f1c']);
    expect(queryKeyOf('live')).toEqual(['live']);
  });
});

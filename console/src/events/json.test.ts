import { describe, expect, it } from 'vitest';
import { jsonParts } from './json';

const text = (body: string, pointer?: string) =>
  jsonParts(body, pointer)
    .map((part) => part.text)
    .join('');

describe('a body', () => {
  it('is shown indented, with nothing lost', () => {
    const body = '{"event":"Order Completed","properties":{"items":[1,2],"none":{}}}';
    expect(text(body)).toBe(JSON.stringify(JSON.parse(body), null, 2));
  });

  it('has the value marked that the problem is in', () => {
    const bad = jsonParts('{"properties":{"total":"74,90","tax":1}}', '/properties/total').filter((part) => part.bad);
    expect(bad).toEqual([{ kind: 'value', text: '"74,90"', bad: true }]);
  });

  it('has names with slashes found by their pointer', () => {
    expect(jsonParts('{"a/b":{"c~d":1}}', '/a~1b/c~0d').some((part) => part.bad && part.text === '1')).toBe(true);
  });

  it('that is not JSON is shown as it came', () => {
    expect(jsonParts('{"event": ')).toEqual([{ kind: 'plain', text: '{"event": ', bad: false }]);
  });
});

import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keysOf, listenToChanges, queryKeyOf } from './stream';

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

/** What a browser makes of an address that answers with events, and of one that does not. */
class Stream extends EventTarget {
  readonly CLOSED = 2;
  readyState = 0;

  close() {
    this.readyState = 2;
  }

  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  fails(readyState: 0 | 2) {
    this.readyState = readyState;
    this.dispatchEvent(new Event('error'));
  }
}

describe('listening', () => {
  const streams: Stream[] = [];
  const latest = () => streams.at(-1) as Stream;
  const cache = new QueryClient();
  const asked = vi.spyOn(cache, 'invalidateQueries');
  const paused = vi.fn<(paused: boolean) => void>();
  let stop: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    streams.length = 0;
    asked.mockClear();
    paused.mockClear();
    stop = listenToChanges(cache, paused, () => {
      streams.push(new Stream());
      return latest() as unknown as EventSource;
    });
    latest().opens();
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  it('leaves a lost connection to the browser, and asks for everything afterwards', () => {
    latest().fails(0);
    expect(paused).toHaveBeenLastCalledWith(false);
    latest().opens();
    expect(streams).toHaveLength(1);
    expect(asked).toHaveBeenCalledExactlyOnceWith();
  });

  it('says that it pauses when the connection does not come back', () => {
    latest().fails(0);
    latest().fails(0);
    expect(paused).toHaveBeenLastCalledWith(true);
    latest().opens();
    expect(paused).toHaveBeenLastCalledWith(false);
  });

  it('opens again, ever later, what an answer that is no stream has closed, and asks whether the session holds', () => {
    latest().fails(2);
    expect(paused).toHaveBeenLastCalledWith(true);
    expect(asked).toHaveBeenLastCalledWith({ queryKey: ['session'] });
    vi.advanceTimersByTime(2_000);
    expect(streams).toHaveLength(2);
    latest().fails(2);
    vi.advanceTimersByTime(2_000);
    expect(streams).toHaveLength(2);
    vi.advanceTimersByTime(2_000);
    expect(streams).toHaveLength(3);
    latest().opens();
    expect(paused).toHaveBeenLastCalledWith(false);
  });

  it('opens nothing after it was told to stop', () => {
    latest().fails(2);
    stop();
    vi.advanceTimersByTime(600_000);
    expect(streams).toHaveLength(1);
  });
});

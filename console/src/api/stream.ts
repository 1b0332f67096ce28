import type { QueryClient } from '@tanstack/react-query';

/** The keys in one message of the stream; anything else is nothing. */
export function keysOf(data: string): string[] {
  try {
    const parsed: unknown = JSON.parse(data);
    return Array.isArray(parsed) ? parsed.filter((key): key is string => typeof key === 'string') : [];
  } catch {
    return [];
  }
}

/** The start of the query keys that an invalidation key concerns. */
export function queryKeyOf(key: string): string[] {
  const at = key.indexOf(':');
  return at < 0 ? [key] : [key.slice(0, at), key.slice(at + 1)];
}

const reopenAfterMs = (failures: number) => Math.min(60_000, 1_000 * 2 ** failures);

/**
 * Listens to what has changed and asks again for it. After a lost connection everything that is shown is asked for once,
 * because what changed meanwhile is not told. `onPaused` hears whether what is shown may be old. Returns how to stop.
 */
export function listenToChanges(cache: QueryClient, onPaused: (paused: boolean) => void, open = () => new EventSource('/api/v1/stream')): () => void {
  let stream: EventSource;
  let reopening: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  const listen = () => {
    stream = open();
    stream.addEventListener('open', () => {
      if (failures > 0) void cache.invalidateQueries();
      failures = 0;
      onPaused(false);
    });
    stream.addEventListener('error', () => {
      failures++;
      // A browser comes back by itself after a lost connection, but never after an answer that is no stream: somebody is
      // signed out, there are too many readers, or a proxy speaks for a server that starts.
      const isClosed = stream.readyState === stream.CLOSED;
      // The server ends every stream after a while, so a first failure is nothing to speak of.
      if (isClosed || failures > 1) onPaused(true);
      if (!isClosed) return;
      void cache.invalidateQueries({ queryKey: ['session'] });
      reopening = setTimeout(listen, reopenAfterMs(failures));
    });
    stream.addEventListener('message', (message: MessageEvent<string>) => {
      for (const key of keysOf(message.data)) void cache.invalidateQueries({ queryKey: queryKeyOf(key) });
    });
  };
  listen();
  return () => {
    clearTimeout(reopening);
    stream.close();
  };
}

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

/**
 * Listens to what has changed and asks again for it. After a lost connection everything that is shown is asked for once,
 * because what changed meanwhile is not told. Returns how to stop.
 */
export function listenToChanges(cache: QueryClient): () => void {
  const stream = new EventSource('/api/v1/stream');
  let lost = false;
  stream.addEventListener('open', () => {
    if (lost) void cache.invalidateQueries();
    lost = false;
  });
  stream.addEventListener('error', () => {
    lost = true;
  });
  stream.addEventListener('message', (message: MessageEvent<string>) => {
    for (const key of keysOf(message.data)) void cache.invalidateQueries({ queryKey: queryKeyOf(key) });
  });
  return () => stream.close();
}

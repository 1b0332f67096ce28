import { createContext, use } from 'react';

/** Nothing new is told just now, so what is shown may be old. The shell listens, and every screen says it. */
export const PausedContext = createContext(false);

export function usePaused(): boolean {
  return use(PausedContext);
}

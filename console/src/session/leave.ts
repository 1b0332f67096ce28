import { isSignedOut } from '../api/problem';

/** Where the door is, and the way back from it: the address that is open now, as the browser has it. */
export function doorFor({ pathname, search }: { pathname: string; search: string }): string {
  const open = pathname.replace(/^\/app(?=\/|$)/, '') + search;
  return open === '' || open === '/' ? '/app/sign-in' : `/app/sign-in?to=${encodeURIComponent(open)}`;
}

/**
 * Leads whoever is signed out to the door, wherever the answer that says so was asked for. The page is loaded anew, so that
 * nothing the session saw stays in memory.
 */
export function leaveIfSignedOut(error: unknown): void {
  if (isSignedOut(error)) location.replace(doorFor(location));
}

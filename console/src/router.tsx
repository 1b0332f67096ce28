// The addresses of the console. Filters, selection and open panels are in the address, so that a link shows the same.
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import { problemOf } from './api/problem';
import { metaQuery, sessionQuery } from './api/queries';
import { leaveIfSignedOut } from './session/leave';
import { NotFound, ScreenError } from './shell/NotFound';
import { Shell } from './shell/Shell';

export const cache = new QueryClient({
  // A session ends on the server: by its age, in another window, by somebody else. The first refusal tells, whatever was asked.
  queryCache: new QueryCache({ onError: leaveIfSignedOut }),
  mutationCache: new MutationCache({ onError: leaveIfSignedOut }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the server refused it refuses again; only silence is worth a second try.
      retry: (count, error) => count < 2 && problemOf(error).code === 'no_answer',
    },
  },
});

/** A text of the address, or nothing. */
function word(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Leaves out what is not there, so that the address stays short. */
function words<Name extends string>(search: Record<string, unknown>, ...names: Name[]): { [name in Name]?: string } {
  const found: { [name in Name]?: string } = {};
  for (const name of names) {
    const value = word(search, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const root = createRootRouteWithContext<{ cache: QueryClient }>()({ component: Outlet, notFoundComponent: NotFound });

const firstRun = createRoute({
  getParentRoute: () => root,
  path: '/first-run',
  validateSearch: (search) => words(search, 'token'),
  component: lazyRouteComponent(() => import('./session/FirstRun'), 'FirstRun'),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search) => words(search, 'to'),
  component: lazyRouteComponent(() => import('./session/SignIn'), 'SignIn'),
});

const link = createRoute({
  getParentRoute: () => root,
  path: '/link',
  validateSearch: (search) => words(search, 'token'),
  component: lazyRouteComponent(() => import('./session/AcceptLink'), 'AcceptLink'),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    const meta = await context.cache.ensureQueryData(metaQuery);
    if (!meta.signed_in) throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { to: location.href } });
    await context.cache.ensureQueryData(sessionQuery);
  },
  component: Shell,
  errorComponent: ScreenError,
});

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/people' });
  },
});

const live = createRoute({
  getParentRoute: () => shell,
  path: '/live',
  validateSearch: (search) => words(search, 'show', 'seq'),
  component: lazyRouteComponent(() => import('./events/LiveEvents'), 'LiveEvents'),
});

const people = createRoute({
  getParentRoute: () => shell,
  path: '/people',
  validateSearch: (search) => words(search, 'q'),
  component: lazyRouteComponent(() => import('./people/People'), 'People'),
});

const person = createRoute({
  getParentRoute: () => shell,
  path: '/people/$id',
  validateSearch: (search) => words(search, 'tab', 'why', 'journey'),
  component: lazyRouteComponent(() => import('./people/Person'), 'Person'),
});

const message = createRoute({
  getParentRoute: () => shell,
  path: '/messages/$id',
  validateSearch: (search) => words(search, 'why', 'view'),
  component: lazyRouteComponent(() => import('./messages/Message'), 'Message'),
});

const outbox = createRoute({
  getParentRoute: () => shell,
  path: '/outbox',
  validateSearch: (search) => words(search, 'id', 'why'),
  component: lazyRouteComponent(() => import('./messages/Outbox'), 'Outbox'),
});

const sources = createRoute({
  getParentRoute: () => shell,
  path: '/settings/sources',
  component: lazyRouteComponent(() => import('./settings/Sources'), 'Sources'),
});

const users = createRoute({
  getParentRoute: () => shell,
  path: '/settings/users',
  component: lazyRouteComponent(() => import('./settings/Users'), 'Users'),
});

const sender = createRoute({
  getParentRoute: () => shell,
  path: '/settings/sender',
  component: lazyRouteComponent(() => import('./settings/Sender'), 'Sender'),
});

const account = createRoute({
  getParentRoute: () => shell,
  path: '/settings/account',
  component: lazyRouteComponent(() => import('./settings/Account'), 'Account'),
});

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/settings/audit',
  component: lazyRouteComponent(() => import('./settings/Audit'), 'Audit'),
});

export const router = createRouter({
  routeTree: root.addChildren([firstRun, signIn, link, shell.addChildren([home, live, people, person, message, outbox, sources, sender, users, account, audit])]),
  basepath: '/app',
  context: { cache },
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

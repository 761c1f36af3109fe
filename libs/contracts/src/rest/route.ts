/**
 * A REST contract as data. The owning service implements it, the gateway reads it to authenticate, authorise, limit and
 * proxy, OpenAPI is generated from it. A route without a permission does not compile.
 */
import type { z } from 'zod';
import type { ApiErrorCode } from './error.ts';
import type { Permission } from './policy.ts';

export const serviceNames = [
  'ingest-gateway',
  'discovery',
  'enrichment',
  'scoring',
  'outreach',
  'call-allocation',
  'analytics',
] as const;
export type ServiceName = (typeof serviceNames)[number];
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Route = {
  readonly service: ServiceName;
  readonly method: Method;
  /** Canonical path with `:params`; `/api/v1/...` and `/api/...` reach the same handler (decision C-12). */
  readonly path: `/${string}`;
  readonly summary: string;
  /** `public` only for doors that authenticate by themselves (login, health, signed webhooks). */
  readonly permission: Permission | 'public';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Instead of a JSON body: one file in a form, told by what it holds. */
  readonly file?: { readonly description: string };
  readonly answer: z.ZodType;
  readonly status: 200 | 201 | 202;
  readonly errors: readonly ApiErrorCode[];
  /** Requirement rows that the route answers. */
  readonly rows: readonly string[];
};

export type Routes = Readonly<Record<string, Route>>;

/** What a service says of a route of its own; whose it is, `defineRoutes` adds. */
export type OwnRoute = Omit<Route, 'service'>;

type Owned<S extends ServiceName, R extends Readonly<Record<string, OwnRoute>>> = {
  readonly [K in keyof R]: R[K] & { readonly service: S };
};

/** The routes of one resource, which `service` implements; their types stay literal, for handlers and clients. */
export function defineRoutes<S extends ServiceName, const R extends Readonly<Record<string, OwnRoute>>>(
  service: S,
  routes: R,
): Owned<S, R> {
  const owned = Object.entries(routes).map(([name, route]) => [name, { ...route, service }]);
  return Object.fromEntries(owned) as Owned<S, R>;
}

type Joined<T extends readonly Routes[]> = T extends readonly [
  infer First extends Routes,
  ...infer Rest extends readonly Routes[],
]
  ? First & Joined<Rest>
  : Readonly<Record<never, never>>;

/**
 * All of them as one table, its types still literal. Throws for two routes of one name, or of one method and path: one of
 * them would never be reached.
 */
export function joinRoutes<const T extends readonly Routes[]>(...tables: T): Joined<T> {
  const names = new Set<string>();
  const places = new Map<string, string>();
  for (const [name, { method, path }] of tables.flatMap((table) => Object.entries(table))) {
    if (names.has(name)) throw new Error(`two routes are called ${name}`);
    names.add(name);
    const place = `${method} ${path.replaceAll(/:[^/]+/g, ':')}`;
    const other = places.get(place);
    if (other !== undefined) throw new Error(`${other} and ${name} are both ${place}`);
    places.set(place, name);
  }
  return Object.assign({}, ...tables) as Joined<T>;
}

type Output<T, Otherwise> = T extends z.ZodType ? z.output<T> : Otherwise;

/** Who calls, as the gateway has established it. Services trust nothing else. */
export type Principal = {
  readonly userId: string;
  readonly orgId: string;
  readonly role: string;
  readonly scopes: readonly string[];
};

export type RouteRequest<R extends Route> = {
  readonly params: Output<R['params'], Record<never, never>>;
  readonly query: Output<R['query'], Record<never, never>>;
  readonly body: Output<R['body'], undefined>;
  readonly principal: Principal;
  readonly requestId: string;
  readonly correlationId: string;
  /** The client's Idempotency-Key, checked by the gateway; a natural id for what the request creates. */
  readonly idempotencyKey: string | null;
};

export type Handler<R extends Route> = (request: RouteRequest<R>) => Promise<z.input<R['answer']>>;

/** One handler per route of the table; the compiler refuses a table with a gap. */
export type Handlers<T extends Routes> = { readonly [K in keyof T]: Handler<T[K]> };

/** From a request to the trigger that answers it: the matcher of all routes, kept up with the table change by change. */
import { parseRoutePattern } from '../triggers/route-pattern.ts';
import { RouteMatcher, type MatcherOptions, type Mount } from '../triggers/route-matcher.ts';
import { grantedHost, reservedSegments } from '../policy/place-route.ts';
import type { FunctionEntry, HttpTriggerEntry, RouteEntry } from './types.ts';

/** A route and what it leads to, in one object. */
export interface RouteTarget<Owner, Ready = unknown> extends Mount {
  /** What the embedder serves the function with. */
  readonly owner: Owner;
  /** What the embedder serves the trigger with, remembered from one request to the next. */
  ready: Ready | undefined;
  readonly entry: FunctionEntry;
  readonly trigger: HttpTriggerEntry;
  readonly route: RouteEntry;
  /** Public URL of the host, without trailing slash and path. */
  readonly publicUrl: string;
  /** The whole host belongs to the function's namespace. */
  readonly ownsHost: boolean;
}

/** A request as far as routing looks at it. */
export interface RoutedRequest {
  /** Upper case. */
  readonly method: string;
  /** The `Host` header. */
  readonly host: string | undefined;
  /** Path and query as received. */
  readonly target: string;
  /** `Access-Control-Request-Method`: an OPTIONS request with it is a preflight. */
  readonly preflightMethod?: string | undefined;
}

export type RequestMatch<Owner, Ready = unknown> =
  | {
      readonly kind: 'found';
      readonly target: RouteTarget<Owner, Ready>;
      /** Canonical path of the request. */
      readonly path: string;
      readonly params: ReadonlyMap<string, string>;
    }
  /** A preflight of a trigger with `cors`; `allowed`: the trigger takes the method that is asked for. */
  | {
      readonly kind: 'preflight';
      readonly target: RouteTarget<Owner, Ready>;
      readonly path: string;
      readonly allowed: boolean;
    }
  /** The path is mounted for other methods; `target` is the first of those. */
  | {
      readonly kind: 'method';
      readonly target: RouteTarget<Owner, Ready>;
      readonly path: string;
      readonly allow: readonly string[];
    }
  | { readonly kind: 'none'; readonly path: string }
  /** Not in canonical form: 400. */
  | { readonly kind: 'invalid'; readonly reason: string };

/** All routes of the functions that are served; functions come and go one by one. */
export interface RouteIndex<Owner, Ready = unknown> {
  /** Mounts a function, in place of what was mounted under its uid. */
  set(entry: FunctionEntry, owner: Owner): void;
  delete(uid: string): void;
  match(request: RoutedRequest): RequestMatch<Owner, Ready>;
  /** The routes underneath, for `explain` and the dump. */
  readonly routes: RouteMatcher<RouteTarget<Owner, Ready>>;
}

/** How the matcher reads hosts and paths: the installation's named hosts, and what never reaches a route. */
export function matcherOptions(namedHosts: ReadonlySet<string>): MatcherOptions {
  return { reserved: reservedSegments, grantOf: (host) => grantedHost(namedHosts, host) };
}

/** An empty index; `namedHosts` are those of the installation's grants. */
export function createRouteIndex<Owner, Ready = unknown>(
  namedHosts: ReadonlySet<string> = new Set(),
): RouteIndex<Owner, Ready> {
  const routes = new RouteMatcher<RouteTarget<Owner, Ready>>(matcherOptions(namedHosts));
  const mounted = new Map<string, readonly RouteTarget<Owner, Ready>[]>();

  function remove(uid: string): void {
    for (const route of mounted.get(uid) ?? []) routes.remove(route);
    mounted.delete(uid);
  }

  return {
    routes,
    delete: remove,
    set(entry, owner) {
      const own = routesOf<Owner, Ready>(entry, owner).slice();
      remove(entry.uid);
      for (const route of own) routes.add(route);
      mounted.set(entry.uid, own);
    },
    match: (request) => matchRequest(routes, request),
  };
}

function matchRequest<Owner, Ready>(
  routes: RouteMatcher<RouteTarget<Owner, Ready>>,
  request: RoutedRequest,
): RequestMatch<Owner, Ready> {
  const { method, host, target, preflightMethod } = request;
  if (method === 'OPTIONS' && preflightMethod !== undefined) {
    const wanted = routes.match(host, target, preflightMethod);
    if (wanted.kind === 'found' || wanted.kind === 'method') {
      const { route, path } = wanted;
      const allowed = wanted.kind === 'found';
      if (route.trigger.cors !== undefined) return { kind: 'preflight', target: route, path, allowed };
    }
  }
  const found = routes.match(host, target, method);
  if (found.kind === 'found') {
    return { kind: 'found', target: found.route, path: found.path, params: found.params };
  }
  if (found.kind === 'method') {
    return { kind: 'method', target: found.route, path: found.path, allow: found.allow };
  }
  return found;
}

function routesOf<Owner, Ready>(entry: FunctionEntry, owner: Owner): readonly RouteTarget<Owner, Ready>[] {
  return entry.triggers.flatMap((trigger) => {
    if (trigger.kind !== 'http') return [];
    return trigger.routes.flatMap((route) => {
      const parsed = parseRoutePattern(route.path);
      // Paths of entries are canonical; one that is not (a table from elsewhere) is not mounted.
      if (!parsed.ok) return [];
      const { segments, names, text } = parsed.pattern;
      return [
        // What each request reads stands first.
        {
          text: text === route.path ? route.path : text,
          methods: route.methods,
          owner,
          ready: undefined,
          publicUrl: route.publicUrl ?? trigger.publicUrl,
          ownsHost: route.ownsHost === true,
          trigger,
          segments,
          names,
          host: route.host,
          entry,
          route,
        },
      ];
    });
  });
}

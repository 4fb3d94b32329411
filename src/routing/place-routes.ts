/** The routes of an HTTP trigger: each mounted where the installation lets the namespace, in canonical form. */
import type { HttpTrigger } from '../function/types.ts';
import { placeRoute, reservedSegments } from '../policy/place-route.ts';
import { parseRoutePattern, type RoutePattern } from '../triggers/route-pattern.ts';
import type { BuildContext, RouteClaim } from './build-context.ts';
import { notAccepted } from './problem.ts';
import type { Problem, RouteEntry } from './types.ts';

export interface PlacedRoutes {
  readonly routes: readonly RouteEntry[];
  readonly claims: readonly RouteClaim[];
  readonly publicUrl: string;
  readonly problems: readonly Problem[];
}

const everyMethod: readonly string[] = [];

interface Wanted {
  readonly path: string | undefined;
  readonly host: string | undefined;
  readonly methods: readonly string[];
  /** Where the user wrote it. */
  readonly at: string;
}

/** Places each route; one that cannot be placed is left out and said. `parameters` are those the receiver reads. */
export function placeRoutes(
  trigger: string,
  http: HttpTrigger,
  path: string,
  context: Pick<BuildContext, 'policy' | 'namespace'>,
  parameters: readonly string[],
): PlacedRoutes {
  const problems: Problem[] = [];
  const routes: RouteEntry[] = [];
  const claims: RouteClaim[] = [];
  let publicUrl: string | undefined;
  for (const wanted of wantedRoutes(http, path)) {
    const placed = place(wanted, context, parameters);
    if (!('route' in placed)) {
      problems.push(placed);
      continue;
    }
    publicUrl ??= placed.publicUrl;
    const route = placed.publicUrl === publicUrl ? placed.route : { ...placed.route, publicUrl: placed.publicUrl };
    claims.push({
      trigger,
      index: routes.length,
      route,
      pattern: placed.pattern,
      grant: placed.grant,
      path: wanted.at,
    });
    routes.push(route);
  }
  return { routes: routes.slice(), claims, publicUrl: publicUrl ?? context.policy.hosts[0]?.publicUrl ?? '', problems };
}

function wantedRoutes(http: HttpTrigger, path: string): readonly Wanted[] {
  if (http.routes === undefined) {
    return [{ path: http.path, host: http.host, methods: http.methods ?? [], at: `${path}.path` }];
  }
  return http.routes.map((route, index) => ({
    path: route.path,
    host: route.host ?? http.host,
    methods: route.methods ?? http.methods ?? [],
    at: `${path}.routes[${index}].path`,
  }));
}

interface Placed {
  readonly route: RouteEntry;
  readonly pattern: RoutePattern;
  readonly publicUrl: string;
  readonly grant: string | undefined;
}

function place(
  wanted: Wanted,
  { policy, namespace }: Pick<BuildContext, 'policy' | 'namespace'>,
  parameters: readonly string[],
): Placed | Problem {
  const { path, host, methods, at } = wanted;
  if (path === undefined) return notAccepted('Invalid', at, 'set path or routes');
  const placement = placeRoute(policy, namespace, { path, ...(host === undefined ? {} : { host }) });
  if (!placement.ok) return notAccepted(placement.reason, at, placement.message);
  const parsed = parseRoutePattern(placement.path);
  if (!parsed.ok) {
    const hint = parsed.hint === undefined ? '' : ` (${parsed.hint})`;
    return notAccepted('RouteInvalid', at, `${parsed.message}${hint}`);
  }
  const { pattern } = parsed;
  const [first] = pattern.segments;
  if (first?.kind === 'literal' && reservedSegments.has(first.text)) {
    const message = `/${first.text} is reserved: mount it elsewhere with an absolute path or on another host`;
    return notAccepted('RouteReserved', at, message);
  }
  const missing = parameters.find((name) => !pattern.names.includes(name));
  if (missing !== undefined) {
    return notAccepted('RouteInvalid', at, `the receiver reads ":${missing}", which ${pattern.text} does not have`);
  }
  const { host: mountedHost, publicUrl, ownsHost } = placement;
  const route: RouteEntry = {
    path: pattern.text,
    ...(mountedHost === undefined ? {} : { host: mountedHost }),
    methods: methods.length === 0 ? everyMethod : methods.map((method) => method.toUpperCase()),
    ...(ownsHost ? { ownsHost } : {}),
  };
  return { route, pattern, publicUrl, grant: placement.grant };
}

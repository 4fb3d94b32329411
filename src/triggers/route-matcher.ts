/**
 * Finds the route of a request among ten thousand: a tree of segments per host, and a map of whole paths for routes
 * without parameters. Routes are added and removed one by one; between two turns of the event loop it is always whole.
 */
import { canonicalPath } from './canonical-path.ts';
import { canonicalHost, compareHosts, hostMatches } from './host-pattern.ts';
import { PathTable } from './path-table.ts';
import type { PathSegment, RoutePattern } from './route-pattern.ts';

/** One mount of one trigger: its pattern, and what the embedder adds to it. */
export interface Mount extends RoutePattern {
  /** Exact or `*.` pattern, lower case; undefined: any host that no other grant names. */
  readonly host?: string | undefined;
  /** Upper case; empty: all. A route for GET also answers HEAD. */
  readonly methods: readonly string[];
}

export type RouteMatch<Route extends Mount> =
  | {
      readonly kind: 'found';
      readonly route: Route;
      /** Canonical path of the request; of a route of literals the route's own text. */
      readonly path: string;
      readonly params: ReadonlyMap<string, string>;
    }
  /** The path is mounted, for other methods; `route` is the first of those that would have answered. */
  | { readonly kind: 'method'; readonly route: Route; readonly path: string; readonly allow: readonly string[] }
  | { readonly kind: 'none'; readonly path: string }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface MatcherOptions {
  /** First segments that never reach a route. */
  readonly reserved?: ReadonlySet<string>;
  /**
   * The installation's grant that a host (or host pattern) falls under; undefined: under "any host". Routes of one grant
   * are not reached through a host of another.
   */
  grantOf?(host: string): string | undefined;
}

/** A place in the tree; `explain-match.ts` walks it as well. */
export interface RouteNode<Route extends Mount> {
  literals: Map<string, RouteNode<Route>>;
  parameter: RouteNode<Route> | undefined;
  /** Routes that end in `*` here, and routes that end here, oldest first. */
  rest: readonly Route[];
  ends: readonly Route[];
}

/** Routes of one host pattern. */
export interface HostTree<Route extends Mount> {
  readonly host: string | undefined;
  readonly grant: string | undefined;
  readonly root: RouteNode<Route>;
  /**
   * Routes of literals only by their whole path, where path and text as received are the same; nearly all of them. A route
   * that is alone stands there itself: among ten thousand each step on the way to one is a wait for memory.
   */
  readonly exact: PathTable<Route>;
  count: number;
}

const noParams: ReadonlyMap<string, string> = new Map();
const plainPath = /^[\x21-\x24\x26-\x7e]+$/;
const rememberedHosts = 256;
const methodOrder = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export class RouteMatcher<Route extends Mount> {
  readonly #trees = new Map<string | undefined, HostTree<Route>>();
  readonly #reserved: ReadonlySet<string>;
  readonly #grantOf: (host: string) => string | undefined;
  /** Which trees a host reaches, in order; forgotten when a tree comes or goes. */
  readonly #reached = new Map<string, readonly HostTree<Route>[]>();
  /** The last host that was asked for: a busy listener hears the same one again and again. */
  #lastHeader: string | undefined = undefined;
  #lastTrees: readonly HostTree<Route>[] = [];

  constructor(options: MatcherOptions = {}) {
    this.#reserved = options.reserved ?? new Set();
    this.#grantOf = options.grantOf?.bind(options) ?? (() => undefined);
  }

  /** Adds a route; of two with the same pattern and a common method the one added first answers. */
  add(route: Route): void {
    let tree = this.#trees.get(route.host);
    if (!tree) {
      const grant = route.host === undefined ? undefined : this.#grantOf(route.host);
      tree = { host: route.host, grant, root: newNode(), exact: new PathTable(), count: 0 };
      this.#trees.set(route.host, tree);
      this.#forget();
    }
    const node = descend(tree.root, route.segments);
    if (endsInRest(route)) node.rest = extended(node.rest, route);
    else node.ends = extended(node.ends, route);
    const key = this.#exactKey(route);
    if (key !== undefined) tree.exact.set(aloneOrAll(node.ends));
    tree.count += 1;
  }

  /** Removes the route that was added as this very object. */
  remove(route: Route): void {
    const tree = this.#trees.get(route.host);
    if (!tree || !prune(tree.root, route, 0)) return;
    const key = this.#exactKey(route);
    const known = key === undefined ? undefined : tree.exact.delete(key);
    if (known !== undefined) {
      const left = isAlone(known) ? [] : known.filter((other) => other !== route);
      if (left.length > 0) tree.exact.set(aloneOrAll(left));
    }
    tree.count -= 1;
    if (tree.count > 0) return;
    this.#trees.delete(route.host);
    this.#forget();
  }

  #forget(): void {
    this.#reached.clear();
    this.#lastHeader = undefined;
  }

  /** Answers for a `Host` header, a request target as received and a method in upper case. */
  match(hostHeader: string | undefined, target: string, method: string): RouteMatch<Route> {
    const trees = this.treesOf(hostHeader);
    const question = target.indexOf('?');
    const raw = question === -1 ? target : target.slice(0, question);
    // A path that a route of literals has, letter by letter, is canonical because the route's is.
    if (!raw.includes('%')) {
      const known = trees[0]?.exact.get(raw);
      const route = known === undefined || isAlone(known) ? known : firstFor(known, method);
      if (route !== undefined && takes(route, method)) {
        return { kind: 'found', route, path: route.text, params: noParams };
      }
    }
    const canonical = canonicalPath(raw);
    if (!canonical.ok) return { kind: 'invalid', reason: canonical.reason };
    const { path, segments } = canonical;
    if (this.isReserved(segments)) return { kind: 'none', path };
    const refused: Route[] = [];
    for (const tree of trees) {
      const route = find(tree.root, segments, 0, method, refused);
      if (route) return { kind: 'found', route, path, params: paramsOf(route, segments) };
    }
    const [first] = refused;
    return first ? { kind: 'method', route: first, path, allow: allowOf(refused) } : { kind: 'none', path };
  }

  /** The trees a host reaches, in the order they are tried. */
  treesOf(hostHeader: string | undefined): readonly HostTree<Route>[] {
    const header = hostHeader ?? '';
    if (header === this.#lastHeader) return this.#lastTrees;
    const trees = this.#reached.get(header) ?? this.#findTrees(header);
    this.#lastHeader = header;
    this.#lastTrees = trees;
    return trees;
  }

  #findTrees(header: string): readonly HostTree<Route>[] {
    const host = canonicalHost(header);
    const grant = host === undefined ? undefined : this.#grantOf(host);
    const trees = [...this.#trees.values()]
      .filter((tree) => tree.grant === grant)
      .filter((tree) => (tree.host === undefined ? true : host !== undefined && hostMatches(tree.host, host)))
      .sort((left, right) => compareHosts(left.host, right.host));
    if (this.#reached.size >= rememberedHosts) this.#reached.clear();
    this.#reached.set(header, trees);
    return trees;
  }

  isReserved(segments: readonly string[]): boolean {
    return segments[0] !== undefined && this.#reserved.has(segments[0]);
  }

  /** The key of a pattern in the map of whole paths; undefined: it has parameters, or a request would write it otherwise. */
  #exactKey({ text, names, segments }: RoutePattern): string | undefined {
    const [first] = segments;
    if (first?.kind === 'literal' && this.#reserved.has(first.text)) return undefined;
    return names.length === 0 && plainPath.test(text) ? text : undefined;
  }

  /** All routes, for the dump of the table. */
  *routes(): Generator<Route> {
    for (const tree of this.#trees.values()) yield* below(tree.root);
  }
}

/** Methods that routes of one path answer, in a fixed order. */
export function allowOf(routes: readonly Mount[]): readonly string[] {
  const allowed = new Set(routes.flatMap(({ methods }) => methods));
  if (allowed.has('GET')) allowed.add('HEAD');
  return methodOrder.filter((method) => allowed.has(method));
}

/** Of the ends of a tree, which are most of its nodes: never written to, replaced by the first child. */
const noChildren = new Map<string, never>();
const noRoutes: readonly never[] = [];

/** A literal of one has room for one; most places have no more. */
function extended<Route>(routes: readonly Route[], route: Route): readonly Route[] {
  return routes.length === 0 ? [route] : [...routes, route];
}

const isAlone = <Route extends Mount>(known: Route | readonly Route[]): known is Route => !Array.isArray(known);

function aloneOrAll<Route extends Mount>(routes: readonly Route[]): Route | readonly Route[] {
  const [first] = routes;
  return first !== undefined && routes.length === 1 ? first : routes;
}

function newNode<Route extends Mount>(): RouteNode<Route> {
  return { literals: noChildren, parameter: undefined, rest: noRoutes, ends: noRoutes };
}

function endsInRest(pattern: RoutePattern): boolean {
  return pattern.segments.at(-1)?.kind === 'rest';
}

function descend<Route extends Mount>(root: RouteNode<Route>, segments: readonly PathSegment[]): RouteNode<Route> {
  let node = root;
  for (const segment of segments) {
    if (segment.kind === 'rest') break;
    if (segment.kind === 'parameter') node = node.parameter ??= newNode();
    else {
      let child = node.literals.get(segment.text);
      if (!child) {
        if (node.literals.size === 0) node.literals = new Map();
        node.literals.set(segment.text, (child = newNode()));
      }
      node = child;
    }
  }
  return node;
}

/** Takes a route out of the tree and the branches it leaves empty; false: it was not there. */
function prune<Route extends Mount>(node: RouteNode<Route>, route: Route, depth: number): boolean {
  const segment = route.segments[depth];
  if (segment === undefined || segment.kind === 'rest') {
    const before = segment === undefined ? node.ends : node.rest;
    const left = before.filter((other) => other !== route);
    if (segment === undefined) node.ends = left;
    else node.rest = left;
    return left.length < before.length;
  }
  const child = segment.kind === 'parameter' ? node.parameter : node.literals.get(segment.text);
  if (!child || !prune(child, route, depth + 1)) return false;
  if (child.literals.size > 0 || child.parameter || child.rest.length > 0 || child.ends.length > 0) return true;
  if (segment.kind === 'parameter') node.parameter = undefined;
  else node.literals.delete(segment.text);
  return true;
}

/** Literal before parameter before rest at each step, going back where a branch has no end for the method. */
function find<Route extends Mount>(
  node: RouteNode<Route>,
  segments: readonly string[],
  depth: number,
  method: string,
  refused: Route[],
): Route | undefined {
  const part = segments[depth];
  if (part === undefined) return firstFor(node.ends, method, refused);
  const literal = node.literals.get(part);
  const exact = literal && find(literal, segments, depth + 1, method, refused);
  if (exact) return exact;
  const varied = node.parameter && find(node.parameter, segments, depth + 1, method, refused);
  return varied ?? firstFor(node.rest, method, refused);
}

function takes({ methods }: Mount, method: string): boolean {
  return methods.length === 0 || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

function firstFor<Route extends Mount>(routes: readonly Route[], method: string, refused?: Route[]): Route | undefined {
  for (const route of routes) {
    if (takes(route, method)) return route;
    refused?.push(route);
  }
  return undefined;
}

function paramsOf(pattern: RoutePattern, path: readonly string[]): ReadonlyMap<string, string> {
  if (pattern.names.length === 0) return noParams;
  const params = new Map<string, string>();
  for (let index = 0; index < pattern.segments.length; index += 1) {
    const segment = pattern.segments[index];
    if (segment?.kind === 'parameter') params.set(segment.name, path[index] ?? '');
    else if (segment?.kind === 'rest') params.set('*', path.slice(index).join('/'));
  }
  return params;
}

function* below<Route extends Mount>(node: RouteNode<Route>): Generator<Route> {
  yield* node.ends;
  yield* node.rest;
  for (const child of node.literals.values()) yield* below(child);
  if (node.parameter) yield* below(node.parameter);
}

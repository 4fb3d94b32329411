/** Tells step by step why a request reaches a route or none, with the nearest name where a segment is unknown. */
import { didYouMean } from '../function/suggest.ts';
import { canonicalPath } from './canonical-path.ts';
import { canonicalHost } from './host-pattern.ts';
import type { HostTree, Mount, RouteMatcher, RouteNode } from './route-matcher.ts';
import { formatSegment } from './route-pattern.ts';

/** One step with its outcome, as people read it. */
export interface MatchStep {
  readonly step: 'path' | 'host' | 'route' | 'method';
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * The steps up to the first that fails. Names of siblings are only told below the first segment, where all is of one
 * namespace; `sameNamespace: false` (a host without a namespace in its paths) keeps them back everywhere.
 */
export function explainMatch(
  matcher: RouteMatcher<Mount>,
  hostHeader: string | undefined,
  target: string,
  method: string,
  { sameNamespace = true }: { readonly sameNamespace?: boolean } = {},
): readonly MatchStep[] {
  const canonical = canonicalPath(target);
  if (!canonical.ok) return [{ step: 'path', ok: false, detail: canonical.reason }];
  const { segments, path } = canonical;
  if (matcher.isReserved(segments)) {
    return [{ step: 'path', ok: false, detail: `/${segments[0] ?? ''} is reserved: no trigger can be mounted there` }];
  }
  const steps: MatchStep[] = [{ step: 'path', ok: true, detail: `the path is ${path}` }];
  const trees = matcher.treesOf(hostHeader);
  const host = hostHeader === undefined ? undefined : canonicalHost(hostHeader);
  steps.push({ step: 'host', ok: trees.length > 0, detail: describeHost(host, trees) });
  if (trees.length === 0) return steps;
  const match = matcher.match(hostHeader, target, method);
  if (match.kind === 'none' || match.kind === 'invalid') {
    return [...steps, { step: 'route', ok: false, detail: describeMiss(trees, segments, sameNamespace) }];
  }
  steps.push({ step: 'route', ok: true, detail: `the route is ${match.route.text}` });
  const methods = match.kind === 'found' ? match.route.methods : match.allow;
  const accepts = methods.length === 0 ? 'any method' : methods.join(', ');
  return [
    ...steps,
    { step: 'method', ok: match.kind === 'found', detail: `it accepts ${accepts}; the request is ${method}` },
  ];
}

function describeHost(host: string | undefined, trees: readonly HostTree<Mount>[]): string {
  const name = host === undefined ? 'a request without a host' : `the host ${host}`;
  if (trees.length === 0) return `no route is mounted for ${name}`;
  return `${name} reaches routes of ${trees.map((tree) => tree.host ?? 'any host').join(', ')}`;
}

/** Where the path leaves the tree, for the tree that follows it longest. */
function describeMiss(trees: readonly HostTree<Mount>[], segments: readonly string[], sameNamespace: boolean): string {
  let best: { readonly node: RouteNode<Mount>; readonly depth: number } | undefined;
  for (const tree of trees) {
    const reached = follow(tree.root, segments, 0);
    if (!best || reached.depth > best.depth) best = reached;
  }
  const { node, depth } = best ?? { node: undefined, depth: 0 };
  const known = `/${segments.slice(0, depth).join('/')}`;
  if (depth === segments.length) return `${known} has no route of its own; there are routes below it`;
  const part = segments[depth] ?? '';
  const where = depth === 0 ? `no route begins with /${part}` : `below ${known} there is no "${part}"`;
  if (!node || depth === 0 || !sameNamespace) return where;
  const names = [...node.literals.keys()];
  const hint = didYouMean(part, names);
  if (hint !== undefined) return `${where}: ${hint}`;
  const listed = [
    ...names.slice(0, 8).map((text) => formatSegment({ kind: 'literal', text })),
    ...(node.parameter ? [':…'] : []),
    ...(node.rest.length > 0 ? ['*'] : []),
  ];
  return listed.length === 0 ? `${where}: the route ends there` : `${where}: there is ${listed.join(', ')}`;
}

/** The deepest place the path reaches, literals before parameters. */
function follow(
  node: RouteNode<Mount>,
  segments: readonly string[],
  depth: number,
): { readonly node: RouteNode<Mount>; readonly depth: number } {
  const part = segments[depth];
  let best = { node, depth };
  if (part === undefined) return best;
  for (const child of [node.literals.get(part), node.parameter]) {
    if (!child) continue;
    const reached = follow(child, segments, depth + 1);
    if (reached.depth > best.depth) best = reached;
  }
  return best;
}

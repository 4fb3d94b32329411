/**
 * Who gets a route that several functions want. Between namespaces any overlap of patterns is a conflict for the later
 * function, whatever the methods. Inside one namespace patterns may overlap (precedence decides); the same pattern with
 * a common method belongs to the oldest function.
 */
import { hostsOverlap } from '../triggers/host-pattern.ts';
import type { PathSegment } from '../triggers/route-pattern.ts';

/** A route wanted by a function. */
export interface Claim {
  readonly uid: string;
  readonly namespace: string;
  readonly functionName: string;
  readonly trigger: string;
  readonly host: string | undefined;
  readonly segments: readonly PathSegment[];
  /** Empty: all. */
  readonly methods: readonly string[];
}

/** A claim that is not granted. */
export interface Conflict<C extends Claim = Claim> {
  readonly claim: C;
  /** Inside one namespace: who has the route. Another namespace is never named. */
  readonly winner?: { readonly functionName: string; readonly trigger: string; readonly uid: string };
}

interface PathNode {
  readonly literals: Map<string, PathNode>;
  parameter: PathNode | undefined;
  rest: PathNode | undefined;
  /** Claims that end here. */
  readonly owners: Claim[];
  /** Namespaces with a claim at or below this node. */
  readonly namespaces: Set<string>;
}

/** The losers among claims of one grant given oldest first; who loses takes nothing from those after. */
export function findConflicts<C extends Claim>(claims: Iterable<C>): readonly Conflict<C>[] {
  const hosts = new Map<string | undefined, PathNode>();
  const namespaces = new Set<string>();
  const conflicts: Conflict<C>[] = [];
  for (const claim of claims) {
    // Nearly always a group of routes is of one namespace, and there is nobody to overlap with.
    const alone = namespaces.size === 0 || (namespaces.size === 1 && namespaces.has(claim.namespace));
    if (!alone && meetsForeign(hosts, claim)) {
      conflicts.push({ claim });
      continue;
    }
    let root = hosts.get(claim.host);
    if (root === undefined) hosts.set(claim.host, (root = newNode()));
    const end = findOrAdd(root, claim);
    const owner = end.owners.find((other) => shareMethod(other.methods, claim.methods));
    if (owner === undefined) {
      end.owners.push(claim);
      mark(root, claim);
      namespaces.add(claim.namespace);
    } else {
      const { functionName, trigger, uid } = owner;
      conflicts.push({ claim, winner: { functionName, trigger, uid } });
    }
  }
  return conflicts;
}

/** A route without a host answers on every host of its grant. */
function meetsForeign(hosts: ReadonlyMap<string | undefined, PathNode>, claim: Claim): boolean {
  for (const [host, root] of hosts) {
    const meets =
      host === claim.host || host === undefined || claim.host === undefined || hostsOverlap(host, claim.host);
    if (meets && overlapsForeign(root, claim, 0)) return true;
  }
  return false;
}

/** Whether some path is matched by the claim and by a granted claim of another namespace. */
function overlapsForeign(node: PathNode, claim: Claim, depth: number): boolean {
  if (!hasForeign(node, claim.namespace)) return false;
  const { literals, parameter, rest } = node;
  const segment = claim.segments[depth];
  if (segment === undefined) return node.owners.some(({ namespace }) => namespace !== claim.namespace);
  // A final `*` takes one or more segments: it meets whatever goes on below, and is met by whatever goes on here.
  if (rest !== undefined && hasForeign(rest, claim.namespace)) return true;
  const below = segment.kind === 'literal' ? literals.get(segment.text) : undefined;
  if (segment.kind === 'rest') {
    for (const child of literals.values()) if (hasForeign(child, claim.namespace)) return true;
    return parameter !== undefined && hasForeign(parameter, claim.namespace);
  }
  if (parameter !== undefined && overlapsForeign(parameter, claim, depth + 1)) return true;
  if (segment.kind === 'literal') return below !== undefined && overlapsForeign(below, claim, depth + 1);
  for (const child of literals.values()) if (overlapsForeign(child, claim, depth + 1)) return true;
  return false;
}

function hasForeign(node: PathNode, namespace: string): boolean {
  return node.namespaces.size > 1 || (node.namespaces.size === 1 && !node.namespaces.has(namespace));
}

function findOrAdd(root: PathNode, claim: Claim): PathNode {
  let node = root;
  for (const segment of claim.segments) node = childOf(node, segment);
  return node;
}

function mark(root: PathNode, claim: Claim): void {
  let node = root;
  node.namespaces.add(claim.namespace);
  for (const segment of claim.segments) {
    node = childOf(node, segment);
    node.namespaces.add(claim.namespace);
  }
}

function childOf(node: PathNode, segment: PathSegment): PathNode {
  if (segment.kind === 'parameter') return (node.parameter ??= newNode());
  if (segment.kind === 'rest') return (node.rest ??= newNode());
  let child = node.literals.get(segment.text);
  if (child === undefined) node.literals.set(segment.text, (child = newNode()));
  return child;
}

function newNode(): PathNode {
  return { literals: new Map(), parameter: undefined, rest: undefined, owners: [], namespaces: new Set() };
}

function shareMethod(a: readonly string[], b: readonly string[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((method) => b.includes(method));
}

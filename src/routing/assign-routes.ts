/**
 * Gives each route to the function it belongs to, and tells the others why they do not get it. Routes are kept in groups
 * that cannot meet (granted host and first segment), and only groups with a change are looked at again.
 */
import type { RouteClaim } from './build-context.ts';
import type { BuiltFunction } from './build-function.ts';
import { notAccepted } from './problem.ts';
import { findConflicts, type Claim, type Conflict } from './route-conflicts.ts';
import type { Problem } from './types.ts';

export interface LostRoute {
  readonly claim: RouteClaim;
  readonly problem: Problem;
}

interface OwnedClaim extends Claim {
  readonly seniority: string;
  readonly wanted: RouteClaim;
}

/** Claims that may meet, oldest function first. */
type Group = readonly OwnedClaim[];

export interface AssignedRoutes {
  /** By uid: routes a function wants and does not get. */
  readonly lost: ReadonlyMap<string, readonly LostRoute[]>;
  /** Functions that lost or regained a route in this step. */
  readonly moved: readonly string[];
  /** By the host of the grant (any: the empty text), then by first segment; those that begin with a parameter together. */
  readonly grants: ReadonlyMap<string, ReadonlyMap<string, Group>>;
  /** By uid: what each function claims. */
  readonly claims: ReadonlyMap<string, readonly OwnedClaim[]>;
}

export const noRoutes: AssignedRoutes = { lost: new Map(), moved: [], grants: new Map(), claims: new Map() };

/** Patterns that begin with `:name` or `*` meet every group of their grant; no literal can have this text. */
const open = '/*';

/** Takes over the functions that changed; `current` answers undefined for one that takes no routes any more. */
export function assignRoutes(
  before: AssignedRoutes,
  touched: ReadonlySet<string>,
  current: (uid: string) => BuiltFunction | undefined,
): AssignedRoutes {
  const leaving = new Set<string>();
  const arriving: OwnedClaim[] = [];
  for (const uid of touched) {
    const function_ = current(uid);
    const old = before.claims.get(uid) ?? [];
    if (sameClaims(old, function_?.claims ?? [])) continue;
    leaving.add(uid);
    if (function_ !== undefined) arriving.push(...function_.claims.map((wanted) => ownedClaim(function_, wanted)));
  }
  if (leaving.size === 0) return before.moved.length === 0 ? before : { ...before, moved: [] };

  const claims = new Map(before.claims);
  for (const uid of leaving) claims.delete(uid);
  for (const claim of arriving) {
    const others = claims.get(claim.uid);
    claims.set(claim.uid, others === undefined ? [claim] : [...others, claim]);
  }
  const { grants, looked } = regroup(before, leaving, arriving);

  const lost = new Map(before.lost);
  const concerned = new Set<string>(leaving);
  for (const group of looked) for (const { uid } of group) concerned.add(uid);
  const found = Map.groupBy(
    looked.flatMap((group) => findConflicts(group)),
    ({ claim }) => claim.uid,
  );
  const seen = new Set(looked.flat());
  const moved: string[] = [];
  for (const uid of concerned) {
    // Losses in groups that were not looked at stay.
    const wanted = new Map((claims.get(uid) ?? []).map((claim) => [claim.wanted, claim]));
    const kept = (before.lost.get(uid) ?? []).filter(({ claim }) => {
      const own = wanted.get(claim);
      return own !== undefined && !seen.has(own);
    });
    const now = [...kept, ...(found.get(uid) ?? []).map(toLost)];
    if (sameLosses(before.lost.get(uid) ?? [], now)) continue;
    moved.push(uid);
    if (now.length === 0) lost.delete(uid);
    else lost.set(uid, now);
  }
  return { lost, moved, grants, claims };
}

/** The groups after the change, and those whose claims have to be compared again. */
function regroup(
  before: AssignedRoutes,
  leaving: ReadonlySet<string>,
  arriving: readonly OwnedClaim[],
): { readonly grants: AssignedRoutes['grants']; readonly looked: readonly Group[] } {
  /** By grant and group: what comes; a group that only loses something is there with nothing. */
  const changed = new Map<string, Map<string, OwnedClaim[]>>();
  const changedGroup = (claim: OwnedClaim): OwnedClaim[] => {
    const groups = getOrAdd(changed, claim.wanted.grant ?? '', () => new Map<string, OwnedClaim[]>());
    return getOrAdd(groups, groupOf(claim), () => []);
  };
  for (const uid of leaving) for (const claim of before.claims.get(uid) ?? []) changedGroup(claim);
  for (const claim of arriving) changedGroup(claim).push(claim);

  const grants = new Map(before.grants);
  const looked: Group[] = [];
  for (const [grant, arrivals] of changed) {
    const groups = new Map(grants.get(grant));
    const wasOpen = groups.has(open);
    for (const [name, come] of arrivals) {
      const stay = (groups.get(name) ?? []).filter(({ uid }) => !leaving.has(uid));
      const group = bySeniority([...stay, ...come]);
      if (group.length === 0) groups.delete(name);
      else groups.set(name, group);
    }
    if (groups.size === 0) grants.delete(grant);
    else grants.set(grant, groups);
    if (wasOpen || groups.has(open)) looked.push(bySeniority([...groups.values()].flat()));
    else for (const name of arrivals.keys()) looked.push(groups.get(name) ?? []);
  }
  return { grants, looked };
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function groupOf({ segments: [first] }: OwnedClaim): string {
  if (first === undefined) return '/';
  return first.kind === 'literal' ? first.text : open;
}

function bySeniority(claims: readonly OwnedClaim[]): Group {
  return claims.toSorted((a, b) => (a.seniority < b.seniority ? -1 : a.seniority > b.seniority ? 1 : 0));
}

function ownedClaim({ entry, seniority }: BuiltFunction, wanted: RouteClaim): OwnedClaim {
  return {
    uid: entry.uid,
    namespace: entry.namespace,
    functionName: entry.name,
    trigger: wanted.trigger,
    host: wanted.route.host,
    segments: wanted.pattern.segments,
    methods: wanted.route.methods,
    seniority,
    wanted,
  };
}

function toLost({ claim, winner }: Conflict<OwnedClaim>): LostRoute {
  const holder =
    winner === undefined
      ? 'it overlaps a route of another namespace'
      : winner.uid === claim.uid
        ? `trigger "${winner.trigger}" already has it`
        : `function "${winner.functionName}" (trigger "${winner.trigger}") has it and is older`;
  const message = `the route ${claim.wanted.route.path} is taken: ${holder}; choose another path`;
  const problem = notAccepted('RouteConflict', claim.wanted.path, message);
  const other = winner === undefined || winner.uid === claim.uid ? {} : { other: winner.uid };
  return { claim: claim.wanted, problem: { ...problem, ...other } };
}

function sameClaims(owned: readonly OwnedClaim[], wanted: readonly RouteClaim[]): boolean {
  return owned.length === wanted.length && owned.every((claim, index) => claim.wanted === wanted[index]);
}

function sameLosses(before: readonly LostRoute[], after: readonly LostRoute[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ claim, problem }, index) => {
      const other = after[index];
      return claim === other?.claim && problem.message === other.problem.message;
    })
  );
}

/**
 * Gives each route to the function it belongs to, and tells the others why they do not get it. Only routes that can meet one
 * that came or went are looked at again.
 */
import { compareTexts } from '../function/compare-texts.ts';
import type { RouteClaim } from './build-context.ts';
import type { BuiltFunction } from './build-function.ts';
import { LayeredMap } from './layered-map.ts';
import { notAccepted } from './problem.ts';
import { findConflicts, type Claim, type Conflict } from './route-conflicts.ts';
import { changeTree, groupOf, type RouteTree } from './route-tree.ts';
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
  readonly lost: LayeredMap<readonly LostRoute[]>;
  /** Functions that lost or regained a route in this step. */
  readonly moved: readonly string[];
  /** By the host of the grant (any: the empty text). */
  readonly grants: ReadonlyMap<string, RouteTree<OwnedClaim>>;
  /** By uid: what each function claims. */
  readonly claims: LayeredMap<readonly OwnedClaim[]>;
}

export const noRoutes: AssignedRoutes = {
  lost: LayeredMap.of<readonly LostRoute[]>(),
  moved: [],
  grants: new Map(),
  claims: LayeredMap.of<readonly OwnedClaim[]>(),
};

/** Takes over the functions that changed; `current` answers undefined for one that takes no routes any more. */
export function assignRoutes(
  before: AssignedRoutes,
  touched: ReadonlySet<string>,
  current: (uid: string) => BuiltFunction | undefined,
): AssignedRoutes {
  const changes = new Map<string, readonly OwnedClaim[] | undefined>();
  for (const uid of touched) {
    const function_ = current(uid);
    if (sameClaims(before.claims.get(uid) ?? [], function_?.claims ?? [])) continue;
    const claims = function_?.claims.map((wanted) => ownedClaim(function_, wanted)) ?? [];
    changes.set(uid, claims.length === 0 ? undefined : claims);
  }
  if (changes.size === 0) return before.moved.length === 0 ? before : { ...before, moved: [] };

  const leaving = [...changes.keys()].flatMap((uid) => before.claims.get(uid) ?? []);
  const arriving = [...changes.values()].flatMap((claims) => claims ?? []);
  const { grants, looked } = regroup(before.grants, leaving, arriving);
  const claims = before.claims.with(changes);
  const concerned = new Set<string>(changes.keys());
  for (const group of looked) for (const { uid } of group) concerned.add(uid);
  const found = Map.groupBy(
    looked.flatMap((group) => findConflicts(group)),
    ({ claim }) => claim.uid,
  );
  const seen = new Set(looked.flat());
  const losses = new Map<string, readonly LostRoute[] | undefined>();
  for (const uid of concerned) {
    // Losses in groups that were not looked at stay.
    const wanted = new Map((claims.get(uid) ?? []).map((claim) => [claim.wanted, claim]));
    const kept = (before.lost.get(uid) ?? []).filter(({ claim }) => {
      const own = wanted.get(claim);
      return own !== undefined && !seen.has(own);
    });
    const now = [...kept, ...(found.get(uid) ?? []).map(toLost)];
    if (sameLosses(before.lost.get(uid) ?? [], now)) continue;
    losses.set(uid, now.length === 0 ? undefined : now);
  }
  return { lost: before.lost.with(losses), moved: [...losses.keys()], grants, claims };
}

/** The trees after the change, and the groups whose claims have to be compared again. */
function regroup(
  before: AssignedRoutes['grants'],
  leaving: readonly OwnedClaim[],
  arriving: readonly OwnedClaim[],
): { readonly grants: AssignedRoutes['grants']; readonly looked: readonly Group[] } {
  const gone = new Set(leaving);
  const moves = Map.groupBy([...leaving, ...arriving], ({ wanted }) => wanted.grant ?? '');
  const grants = new Map(before);
  const looked: Group[] = [];
  for (const [grant, moved] of moves) {
    const old = before.get(grant);
    const [out, come] = [moved.filter((claim) => gone.has(claim)), moved.filter((claim) => !gone.has(claim))];
    const now = changeTree(old, out, come);
    if (now === undefined) grants.delete(grant);
    else grants.set(grant, now);
    const keys = new Set<string>();
    for (const claim of moved) {
      const { key, claims } = groupOf(claim, old, now);
      if (keys.has(key)) continue;
      keys.add(key);
      looked.push(bySeniority(claims()));
    }
  }
  return { grants, looked };
}

function bySeniority(claims: readonly OwnedClaim[]): Group {
  if (claims.length < 2) return claims;
  return claims.toSorted((a, b) => compareTexts(a.seniority, b.seniority));
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

function whyTaken({ claim: { uid }, winner }: Conflict<OwnedClaim>): string {
  if (winner === undefined) return 'it overlaps a route of another namespace';
  if (winner.uid === uid) return `trigger "${winner.trigger}" already has it`;
  return `function "${winner.functionName}" (trigger "${winner.trigger}") has it and is older`;
}

function toLost(conflict: Conflict<OwnedClaim>): LostRoute {
  const { claim, winner } = conflict;
  const why = whyTaken(conflict);
  const message = `the route ${claim.wanted.route.path} is taken: ${why}; choose another path`;
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

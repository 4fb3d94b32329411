/** Gives each route to the function it belongs to, and tells the others why they do not get it. */
import type { RouteClaim } from './build-context.ts';
import type { BuiltFunction } from './build-function.ts';
import { notAccepted, type Problem } from './problem.ts';
import { findConflicts, type Claim } from './route-conflicts.ts';

export interface LostRoute {
  readonly claim: RouteClaim;
  readonly problem: Problem;
}

export interface AssignedRoutes {
  /** By uid: routes a function wants and does not get. The same list as before where nothing changed. */
  readonly lost: ReadonlyMap<string, readonly LostRoute[]>;
  /** The claims that were compared, in order of seniority. */
  readonly compared: readonly (readonly RouteClaim[])[];
}

interface OwnedClaim extends Claim {
  readonly wanted: RouteClaim;
}

/** Functions oldest first. Most edits leave all claims as they were: then nothing is compared again. */
export function assignRoutes(
  functions: readonly BuiltFunction[],
  denied: ReadonlyMap<string, Problem>,
  previous: AssignedRoutes | undefined,
): AssignedRoutes {
  const taking = functions.filter(({ claims, entry }) => claims.length > 0 && !denied.has(entry.uid));
  const compared = taking.map(({ claims }) => claims);
  if (previous !== undefined && sameItems(previous.compared, compared)) return previous;
  const lost = new Map<string, LostRoute[]>();
  for (const { claim, winner } of findConflicts(ownedClaims(taking))) {
    const holder =
      winner === undefined
        ? 'it overlaps a route of another namespace'
        : winner.uid === claim.uid
          ? `trigger "${winner.trigger}" already has it`
          : `function "${winner.functionName}" (trigger "${winner.trigger}") has it and is older`;
    const message = `the route ${claim.wanted.route.path} is taken: ${holder}; choose another path`;
    const list = lost.get(claim.uid) ?? [];
    list.push({ claim: claim.wanted, problem: notAccepted('RouteConflict', claim.wanted.path, message) });
    lost.set(claim.uid, list);
  }
  return { lost: keepEqualLists(previous?.lost, lost), compared };
}

function* ownedClaims(functions: readonly BuiltFunction[]): Iterable<OwnedClaim> {
  for (const { entry, claims } of functions) {
    for (const wanted of claims) {
      yield {
        uid: entry.uid,
        namespace: entry.namespace,
        functionName: entry.name,
        trigger: wanted.trigger,
        host: wanted.route.host,
        segments: wanted.pattern.segments,
        methods: wanted.route.methods,
        wanted,
      };
    }
  }
}

function keepEqualLists(
  before: ReadonlyMap<string, readonly LostRoute[]> | undefined,
  after: ReadonlyMap<string, readonly LostRoute[]>,
): ReadonlyMap<string, readonly LostRoute[]> {
  if (before === undefined) return after;
  return new Map(
    [...after].map(([uid, list]) => {
      const old = before.get(uid);
      const same =
        old !== undefined && old.length === list.length && old.every((item, index) => sameLoss(item, list[index]));
      return [uid, same ? old : list];
    }),
  );
}

function sameLoss(a: LostRoute, b: LostRoute | undefined): boolean {
  return a.claim === b?.claim && a.problem.message === b.problem.message;
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

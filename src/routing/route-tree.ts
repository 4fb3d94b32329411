/**
 * Claims of routes, by the literal segments their patterns begin with. The tree never changes: each step makes another one
 * that shares what is the same. It knows which claims can meet at all, so that a new route among ten thousand is compared
 * with few.
 */
import type { PathSegment } from '../triggers/route-pattern.ts';
import { LayeredMap } from './layered-map.ts';

interface Placed {
  readonly segments: readonly PathSegment[];
}

/** What lies below one beginning. */
export interface RouteTree<Claim extends Placed> {
  /** Patterns that end here. */
  readonly ends: readonly Claim[];
  /** Patterns that go on with `:name` or `*`: they may meet everything below. */
  readonly open: readonly Claim[];
  /** By the next literal. */
  readonly below: LayeredMap<RouteTree<Claim>>;
}

/** Most claims end at a leaf: one for all. */
const nothingBelow: LayeredMap<RouteTree<Placed>> = LayeredMap.of<RouteTree<Placed>>();

/** The tree without some claims and with others; undefined: there is nothing in it. */
export function changeTree<Claim extends Placed>(
  tree: RouteTree<Claim> | undefined,
  leaving: readonly Claim[],
  arriving: readonly Claim[],
): RouteTree<Claim> | undefined {
  return changeAt(tree, leaving, new Set(leaving), arriving, 0);
}

interface Moves<Claim> {
  readonly out: Claim[];
  readonly in: Claim[];
}

function changeAt<Claim extends Placed>(
  tree: RouteTree<Claim> | undefined,
  leaving: readonly Claim[],
  gone: ReadonlySet<Claim>,
  arriving: readonly Claim[],
  depth: number,
): RouteTree<Claim> | undefined {
  const deeper = new Map<string, Moves<Claim>>();
  const movesTo = (literal: string): Moves<Claim> => {
    let moves = deeper.get(literal);
    if (moves === undefined) deeper.set(literal, (moves = { out: [], in: [] }));
    return moves;
  };
  const ends: Claim[] = [];
  const open: Claim[] = [];
  let here = false;
  for (const claim of leaving) {
    const segment = claim.segments[depth];
    if (segment?.kind === 'literal') movesTo(segment.text).out.push(claim);
    else here = true;
  }
  for (const claim of arriving) {
    const segment = claim.segments[depth];
    if (segment === undefined) ends.push(claim);
    else if (segment.kind === 'literal') movesTo(segment.text).in.push(claim);
    else open.push(claim);
  }
  const stay = (claims: readonly Claim[] = [], come: readonly Claim[]): readonly Claim[] => {
    if (!here && come.length === 0) return claims;
    return [...(here ? claims.filter((claim) => !gone.has(claim)) : claims), ...come];
  };
  const before = tree?.below ?? (nothingBelow as LayeredMap<RouteTree<Claim>>);
  const below = before.with(
    [...deeper].map(([literal, moves]) => [
      literal,
      changeAt(before.get(literal), moves.out, gone, moves.in, depth + 1),
    ]),
  );
  const next = { ends: stay(tree?.ends, ends), open: stay(tree?.open, open), below };
  return next.ends.length + next.open.length + below.size === 0 ? undefined : next;
}

/**
 * The claims of `after` that a claim can meet, or could in `before`: all below the first beginning of its pattern that others
 * go on from with `:name` or `*`; where there is none, those with the same end. Two claims get the same group, or groups
 * that have nothing in common. The key says which it is.
 */
export function groupOf<Claim extends Placed>(
  claim: Claim,
  before: RouteTree<Claim> | undefined,
  after: RouteTree<Claim> | undefined,
): { readonly key: string; readonly claims: () => readonly Claim[] } {
  let [old, now] = [before, after];
  let key = '';
  for (const segment of claim.segments) {
    if (segment.kind !== 'literal' || isOpen(old) || isOpen(now)) {
      const top = now;
      return { key: `${key}*`, claims: () => (top === undefined ? [] : [...allOf(top)]) };
    }
    key += `${segment.text.length} ${segment.text}/`;
    old = old?.below.get(segment.text);
    now = now?.below.get(segment.text);
  }
  const last = now;
  if (isOpen(old) || isOpen(now)) {
    return { key: `${key}*`, claims: () => (last === undefined ? [] : [...allOf(last)]) };
  }
  return { key, claims: () => last?.ends ?? [] };
}

function isOpen(tree: RouteTree<Placed> | undefined): boolean {
  return tree !== undefined && tree.open.length > 0;
}

function* allOf<Claim extends Placed>({ ends, open, below }: RouteTree<Claim>): Iterable<Claim> {
  yield* ends;
  yield* open;
  for (const tree of below.values()) yield* allOf(tree);
}

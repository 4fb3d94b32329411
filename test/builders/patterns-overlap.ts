/** The plain rule of overlapping routes, which the product's quicker one is compared with. */
import type { RoutePattern } from '../../src/triggers/route-pattern.ts';

/** Whether some path is matched by both. */
export function patternsOverlap(left: RoutePattern, right: RoutePattern): boolean {
  for (let index = 0; ; index += 1) {
    const a = left.segments[index];
    const b = right.segments[index];
    if (a === undefined || b === undefined) return a === b;
    if (a.kind === 'rest' || b.kind === 'rest') return true;
    if (a.kind === 'literal' && b.kind === 'literal' && a.text !== b.text) return false;
  }
}

/** How many runtimes of each group have a link: a group without any is the one that somebody has to hear of. Pure. */
import { defaultGroup, type RuntimeGroups } from '../policy/runtime-groups.ts';
import type { LinkedRuntime } from './types.ts';

/** Every group of the policy stands in it, 0 where nobody has a link. */
export function countLinked(
  groups: RuntimeGroups | undefined,
  runtimes: readonly Pick<LinkedRuntime, 'group' | 'connected'>[],
): ReadonlyMap<string, number> {
  const counts = new Map([defaultGroup, ...(groups?.names ?? [])].map((group): [string, number] => [group, 0]));
  for (const { group, connected } of runtimes) if (connected) counts.set(group, (counts.get(group) ?? 0) + 1);
  return counts;
}

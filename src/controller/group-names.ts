/** Names of what the chart makes for each runtime group: they decide which pod is of which group. Pure. */
import { defaultGroup, type RuntimeGroups } from '../policy/runtime-groups.ts';

/** ServiceAccount → group, for the tokens that runtimes show. */
export function groupsByAccount(account: string, groups: RuntimeGroups | undefined): ReadonlyMap<string, string> {
  return named(account, (group) => `${account}-${group}`, groups);
}

/** Service → group, for the endpoints that take traffic. */
export function groupsByService(service: string, groups: RuntimeGroups | undefined): ReadonlyMap<string, string> {
  return named(service, (group) => `${service}-public-${group}`, groups);
}

function named(
  own: string,
  nameOf: (group: string) => string,
  groups: RuntimeGroups | undefined,
): ReadonlyMap<string, string> {
  return new Map([
    [own, defaultGroup],
    ...(groups?.names ?? []).map((group): [string, string] => [nameOf(group), group]),
  ]);
}

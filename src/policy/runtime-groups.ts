/** Runtime groups: namespaces that have runtimes and a store of their own. Every other namespace is of the default group. */
import type { InstallationPolicy } from './installation-policy.ts';

export interface RuntimeGroups {
  /** Without the default group. */
  readonly names: readonly string[];
  /** Namespace → its group. */
  readonly placed: Readonly<Record<string, string>>;
  /** Namespace → groups it was in before: what waits in their stores is still run there. */
  readonly leaving: Readonly<Record<string, readonly string[]>>;
}

export const defaultGroup = 'default';

const nowhere: readonly string[] = [];

type Grouped = Pick<InstallationPolicy, 'runtimeGroups'>;

/** The group whose runtimes serve a namespace. */
export function groupOf({ runtimeGroups }: Grouped, namespace: string): string {
  const placed = runtimeGroups?.placed ?? {};
  return Object.hasOwn(placed, namespace) ? (placed[namespace] ?? defaultGroup) : defaultGroup;
}

/** Groups that still run what a namespace left behind in their stores. */
export function groupsLeftBy({ runtimeGroups }: Grouped, namespace: string): readonly string[] {
  const leaving = runtimeGroups?.leaving ?? {};
  return Object.hasOwn(leaving, namespace) ? (leaving[namespace] ?? nowhere) : nowhere;
}

/** Whether runtimes of a group are given anything of a namespace. */
export function isGiven(policy: Grouped, namespace: string, group: string): boolean {
  return groupOf(policy, namespace) === group || groupsLeftBy(policy, namespace).includes(group);
}

/** The policy as the runtimes of one group are told it: nothing that is said of namespaces of another group. */
export function policyForGroup(policy: InstallationPolicy, group: string): InstallationPolicy {
  const { runtimeGroups, ...rest } = policy;
  if (runtimeGroups === undefined) return policy;
  const own = <Value>(by: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> =>
    Object.fromEntries(Object.entries(by).filter(([namespace]) => isGiven(policy, namespace, group)));
  const { egress, quotas, hosts } = rest;
  return {
    ...rest,
    hosts: hosts.map((host) =>
      host.namespaces === '*'
        ? host
        : { ...host, namespaces: host.namespaces.filter((namespace) => isGiven(policy, namespace, group)) },
    ),
    egress: {
      ...egress,
      namespaces: own(egress.namespaces),
      ...(egress.services === undefined ? {} : { services: own(egress.services) }),
    },
    quotas: { ...quotas, namespaces: own(quotas.namespaces) },
  };
}

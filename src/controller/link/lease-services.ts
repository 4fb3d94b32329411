/** Answers runtimes that ask which Services are open: as long as this replica is certain of them. */
import { createHash } from 'node:crypto';
import type { Answer } from '../../link/exchange.ts';
import { serviceLeaseMs, type LeasedServices, type ServicesAnswer } from '../../link/service-lease.ts';
import type { InstallationPolicy } from '../../policy/installation-policy.ts';
import { isGiven } from '../../policy/runtime-groups.ts';

/** `current` answers undefined where the watch has heard nothing for too long. */
export function leaseServices(current: () => LeasedServices | undefined, body: unknown): Answer {
  const held = current();
  if (held === undefined) return { ok: false, code: 'Failed', message: 'the watch of Services is not certain now' };
  const { digest, services } = held;
  const { digest: known } = (body ?? {}) as { readonly digest?: unknown };
  const answer: ServicesAnswer = { digest, forMs: serviceLeaseMs, ...(known === digest ? {} : { services }) };
  return { ok: true, body: answer };
}

type Held = LeasedServices | undefined;

/** Of what is held, what is of the namespaces of a group: the runtimes of another do not learn where they are. */
export function createGroupServices(): (held: Held, policy: InstallationPolicy, group: string) => Held {
  const known = new Map<string, { readonly held: Held; readonly groups: unknown; readonly own: Held }>();
  return (held, policy, group) => {
    const { runtimeGroups: groups } = policy;
    if (held === undefined || groups === undefined) return held;
    const last = known.get(group);
    if (last?.held === held && last.groups === groups) return last.own;
    const entries = Object.entries(held.services).filter(([namespace]) => isGiven(policy, namespace, group));
    const services = Object.fromEntries(entries);
    const own = { services, digest: createHash('sha256').update(JSON.stringify(services)).digest('base64url') };
    known.set(group, { held, groups, own });
    return own;
  };
}

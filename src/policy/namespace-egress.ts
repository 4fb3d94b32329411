/** What the installation lets a namespace reach, parsed for the outbound guard. */
import { parseAddressBlock } from './address-ranges.ts';
import { parseEgressGrant, parseEgressPattern, type EgressPattern, type InstallationEgress } from './egress.ts';
import { egressOf, type InstallationPolicy } from './installation-policy.ts';

/** Entries that do not parse were refused with the policy file; here they grant nothing. */
export function namespaceEgress(policy: InstallationPolicy, namespace: string): InstallationEgress {
  const { allow, grants, deny, clusterServices } = egressOf(policy, namespace);
  const services = clusterServices === 'Own' ? ownServices(policy, namespace) : [];
  const local = policy.singleTenant;
  return {
    ...(allow === undefined ? {} : { ceiling: egressPatterns(allow) }),
    grants: [...grants, ...services].flatMap((text) => valueOf(parseEgressGrant(text, { local }))),
    denied: deny.flatMap((text) => {
      const block = parseAddressBlock(text);
      if (block === undefined) throw new Error(`egress.deny: "${text}" is neither an address nor a range`);
      return [block];
    }),
    local,
  };
}

/** Whether any namespace may reach its own Services. */
export function opensServices({ egress }: InstallationPolicy): boolean {
  return [egress, ...Object.values(egress.namespaces)].some(({ clusterServices }) => clusterServices === 'Own');
}

/** `services`: addresses by namespace; undefined: none are known, and none are left in it. */
export function withServices(
  policy: InstallationPolicy,
  services: InstallationPolicy['egress']['services'],
): InstallationPolicy {
  const { services: _before, ...egress } = policy.egress;
  return { ...policy, egress: services === undefined ? egress : { ...egress, services } };
}

function ownServices({ egress: { services = {} } }: InstallationPolicy, namespace: string): readonly string[] {
  // An IPv6 address stands without brackets: it has no port.
  return Object.hasOwn(services, namespace) ? (services[namespace] ?? []) : [];
}

/** A list as users write it. What does not parse allows nothing, and an exclusive list stays exclusive. */
export function egressPatterns(allow: readonly string[]): readonly EgressPattern[] {
  return allow.flatMap((text) => valueOf(parseEgressPattern(text)));
}

const valueOf = <T>(parsed: { readonly ok: true; readonly value: T } | { readonly ok: false }): readonly T[] =>
  parsed.ok ? [parsed.value] : [];

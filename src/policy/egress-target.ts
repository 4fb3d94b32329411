/** What can be said about a target before its name is looked up: by name, and by address where it is one. */
import { isIP } from 'node:net';
import { checkAddress, checkHost, type EffectiveEgress, type EgressTarget } from './egress.ts';
import { allowed, type OutboundVerdict } from './outbound-types.ts';

/** Passes what only the dial can judge. */
export function checkTarget(egress: EffectiveEgress, target: EgressTarget): OutboundVerdict {
  const literal = isIP(target.host) !== 0;
  const named = checkHost(egress, target, literal ? [target.host] : []);
  if (!named.ok) {
    // Entries of addresses are asked with what a name resolves to.
    const lists = [...(egress.allow ?? []), ...(egress.installation.ceiling ?? [])];
    return !literal && lists.some(({ kind }) => kind === 'addresses') ? allowed : named;
  }
  return literal ? checkAddress(egress, target, target.host) : named;
}

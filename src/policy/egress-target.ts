/** What can be said about a target before its name is looked up: by name, and by address where it is one. */
import { isIP } from 'node:net';
import { checkAddress, checkHost, type EffectiveEgress, type EgressTarget } from './egress.ts';
import { allowed, type OutboundVerdict } from './outbound-types.ts';

/** Only by what the target says of itself: an entry of addresses wants one that is written, not one that is looked up. */
export function checkWrittenTarget(egress: EffectiveEgress, target: EgressTarget): OutboundVerdict {
  return checkHost(egress, target, isIP(target.host) === 0 ? [] : [target.host]);
}

/** Passes what only the dial can judge. */
export function checkTarget(egress: EffectiveEgress, target: EgressTarget): OutboundVerdict {
  const literal = isIP(target.host) !== 0;
  const named = checkWrittenTarget(egress, target);
  if (!named.ok) {
    // Entries of addresses are asked with what a name resolves to.
    const lists = [...(egress.allow ?? []), ...(egress.installation.ceiling ?? [])];
    return !literal && lists.some(({ kind }) => kind === 'addresses') ? allowed : named;
  }
  return literal ? checkAddress(egress, target, target.host) : named;
}

/** How many outgoing requests may start now for a destination: its own limits, its breaker, and the worker's. */
import { breakerKey, type Breakers } from '../delivery/breakers.ts';
import type { HealthBook } from '../delivery/subscription-health.ts';
import { formatOutgoing, parseOutgoing, type OutgoingDestination } from '../delivery/outgoing-destination.ts';
import type { Permissions } from './outgoing-permissions.ts';
import type { LimitedKey } from './shared-keys.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface OutgoingState {
  readonly breakers: Breakers;
  readonly health: HealthBook;
  readonly permissions: Permissions;
  /** Looks for due deliveries again after so long, if that is before the loop does. */
  lookAgainIn(milliseconds: number): void;
}

/** Callbacks of one function at once, in each pod. */
export const callbackConcurrency = 10;

/** Under which key requests to a destination are counted. */
export function outgoingKey(destination: OutgoingDestination): LimitedKey {
  return { namespaceUid: destination.namespaceUid, scope: formatOutgoing(destination) };
}

/** Requests of a subscription at once, over all runtimes. */
export function outgoingLimit(destination: string, parts: WorkerParts): number | undefined {
  return parts.subscriptions.at(destination)?.entry.concurrency;
}

/** Undefined: the destination is not outside. */
export function outgoingSlots(destination: string, parts: WorkerParts): number | undefined {
  const parsed = parseOutgoing(destination);
  if (parsed === undefined) return undefined;
  const { outgoing, keys, clock } = parts;
  const key = outgoingKey(parsed);
  const taken = keys.placesTaken(key, clock.wall());
  if (parsed.kind === 'callback') {
    const known = parts.table.inScope(parsed.namespaceUid, parsed.name) !== undefined;
    return known ? Math.max(0, callbackConcurrency - taken) : 0;
  }
  const live = parts.subscriptions.at(destination);
  if (live === undefined || live.broken || live.entry.suspended || live.entry.unresolved !== undefined) return 0;
  const { concurrency, namespaceUid, url } = live.entry;
  const rate = outgoing.permissions.rateOf(live);
  const breaker = breakerKey(namespaceUid, url);
  const wait = outgoing.breakers.waitOf(breaker);
  if (wait > 0) {
    outgoing.lookAgainIn(wait);
    return 0;
  }
  const allowed = outgoing.breakers.isProbing(breaker) ? 1 : concurrency - taken;
  if (rate === undefined) return Math.max(0, allowed);
  const paced = keys.rateAllowance(key, rate.requests, rate.perMs, clock.wall());
  // The loop looks again once a second; the next request of a rate is often due earlier.
  if (paced === 0) outgoing.lookAgainIn(Math.ceil(rate.perMs / rate.requests));
  return Math.max(0, Math.min(allowed, paced));
}

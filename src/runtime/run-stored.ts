/** What the lease loop of a worker runs: calls of functions, what leaves the installation, and expansions. */
import { isFanOut } from '../delivery/fan-out.ts';
import { startLeaseLoop, type LeaseLoop } from '../delivery/lease-loop.ts';
import type { Attempt, GivenBack } from '../delivery/run-attempts.ts';
import { crashLimit, type Ending, type Lease } from '../store/store.ts';
import { concludeAttempt } from './conclude-attempt.ts';
import { callLimit, freeSlots } from './find-work.ts';
import { recordUnrun } from './record-delivery.ts';
import { endOverQuota, runDelivery } from './run-delivery.ts';
import { fanOutSlots, runFanOut } from './run-fan-out.ts';
import { isOutgoing, runOutgoing } from './run-outgoing.ts';
import { outgoingLimit, outgoingSlots } from './outgoing-slots.ts';
import type { WorkerParts } from './worker-parts.ts';

const goneSlots = 32;
/** After a synchronous call others are expected for so long. */
const busyMs = 100;

const deleted: Ending = {
  kind: 'dead',
  reason: 'FunctionDeleted',
  error: 'what it was for (function, trigger or subscription) was deleted, and has not come back since',
};
const lost: Ending = {
  kind: 'dead',
  reason: 'RuntimeLost',
  error: 'the runtime ended while it ran this, again and again, at last with nothing beside it',
};
const conflict: Ending = {
  kind: 'dead',
  reason: 'KeyValueConflict',
  error: 'other calls kept changing what this one read',
};

/** Pulls and runs what is due, for as long as the worker lives. */
export function startStoredLoop(parts: WorkerParts): LeaseLoop {
  return startLeaseLoop({
    store: parts.store,
    leaseMs: parts.settings.asynchronous.leaseMs,
    slots: (destination) => storedSlots(destination, parts),
    places: parts.places,
    limit: (destination) => storedLimit(destination, parts),
    run: (lease, signal) => runStored(lease, signal, parts),
    conflicted: (lease) => endConflicted(lease, parts),
    overQuota: (lease, message) => concludeOverQuota(lease, message, parts),
    mayPull: () => !parts.draining,
    onError: (error) => parts.report('deliveries', error),
    after: (milliseconds, callback) => parts.after(milliseconds, callback),
    turns: {
      nextTurn: (callback) => void setImmediate(callback),
      now: () => parts.clock.monotonic(),
      isBusy: () => parts.clock.monotonic() - parts.lastSyncAt < busyMs,
    },
  });
}

/** Deliveries that may start now. */
function storedSlots(destination: string, parts: WorkerParts): number {
  if (isFanOut(destination)) return fanOutSlots(destination, parts);
  const slots = outgoingSlots(destination, parts) ?? freeSlots(destination, parts);
  if (slots > 0) return slots;
  return !isServed(destination, parts) && parts.tombstones.isGone(destination) ? goneSlots : 0;
}

/** Deliveries that run at once over all runtimes; undefined: as many as each has slots. */
function storedLimit(destination: string, parts: WorkerParts): number | undefined {
  return isOutgoing(destination) ? outgoingLimit(destination, parts) : callLimit(destination, parts);
}

async function runStored(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<Attempt | GivenBack> {
  const { destination } = lease;
  if (isFanOut(destination)) return await runFanOut(lease, signal, parts);
  if (lease.crashes >= crashLimit) return await endWithout(lost, lease, parts);
  if (!isServed(destination, parts) && parts.tombstones.isGone(destination)) {
    return await endWithout(deleted, lease, parts);
  }
  if (isOutgoing(destination)) return await runOutgoing(lease, signal, parts);
  const attempt = await runDelivery(lease, signal, parts);
  return 'giveBackMs' in attempt ? attempt : await concludeAttempt(attempt, lease, parts);
}

/** Other calls changed what it read, each time it was run again. */
function endConflicted(lease: Lease, parts: WorkerParts): Promise<Attempt> {
  return endWithout(conflict, lease, parts);
}

function concludeOverQuota(lease: Lease, message: string, parts: WorkerParts): Promise<Attempt> {
  return concludeAttempt({ ending: endOverQuota(lease, message, parts) }, lease, parts);
}

async function endWithout(ending: Ending, lease: Lease, parts: WorkerParts): Promise<Attempt> {
  recordUnrun(lease, ending, parts);
  return isOutgoing(lease.destination) ? { ending } : await concludeAttempt({ ending }, lease, parts);
}

/** The table knows it, whether it may run now or not. */
function isServed(destination: string, parts: WorkerParts): boolean {
  return parts.table.knows(destination) || parts.subscriptions.at(destination) !== undefined;
}

/** Expands an event that very many want: a delivery for each who wants it now, in pieces that may be repeated. */
import { errorMessage } from '../failures/error-message.ts';
import { pieces } from '../delivery/fan-out.ts';
import type { Attempt, GivenBack } from '../delivery/run-attempts.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import type { Lease } from '../store/store.ts';
import { allDeliveries } from './match-event-triggers.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Only the store can refuse it: it has no space, or the namespace's quota is used up. */
const scheduleMs: readonly number[] = [5_000, 60_000, 600_000, 3_600_000, 6 * 3_600_000];
const atOnce = 2;

/** Expansions that may start now; none where the namespace is not served. */
export function fanOutSlots(destination: string, parts: WorkerParts): number {
  const namespaceUid = destination.slice(0, destination.indexOf('/'));
  return parts.table.hasScope(namespaceUid) || parts.subscriptions.hasScope(namespaceUid) ? atOnce : 0;
}

export async function runFanOut(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<Attempt | GivenBack> {
  const { event, attempt } = lease;
  try {
    for (const deliveries of pieces(await allDeliveries(parts, event))) {
      if (signal.aborted) return { giveBackMs: 0 };
      await parts.store.append([{ event, known: true, deliveries }]);
    }
    return { ending: { kind: 'done' } };
  } catch (error) {
    const message = errorMessage(error);
    const ending = endAttempt({ kind: 'again', error: message }, attempt, scheduleMs, Math.random);
    return { ending };
  }
}

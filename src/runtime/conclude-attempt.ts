/** What follows from how a stored call ended, written with its ending: its callback, and the event that it is dead. */
import type { Attempt } from '../delivery/run-attempts.ts';
import type { Lease } from '../store/store.ts';
import { withCallback, type RanAttempt } from './add-callback.ts';
import { deadCallItem } from './system-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export async function concludeAttempt(attempt: RanAttempt, lease: Lease, parts: WorkerParts): Promise<Attempt> {
  const called = withCallback(attempt, lease, parts);
  const { ending } = called;
  if (ending.kind !== 'dead') return called;
  const told = await deadCallItem(lease, ending, parts);
  if (told === undefined) return called;
  return { ending, effects: { ...called.effects, append: [...(called.effects?.append ?? []), told] } };
}

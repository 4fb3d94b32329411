/** Which of some deliveries are looked into further: those that are due or leased, and may not run. */
import type { DeliveryRow } from '../../store/store.ts';
import type { Resting } from '../why-resting.ts';
import { nothingRests } from './delivery-view.ts';
import type { LiveView } from './live-view.ts';

/** Asks why those that are due or leased do not run. */
export async function restingOf(
  view: Pick<LiveView, 'resting' | 'now'>,
  rows: readonly DeliveryRow[],
): Promise<Resting> {
  const now = view.now();
  const due = rows.filter(({ state, due: at }) => state === 'leased' || (state === 'waiting' && at <= now));
  return due.length === 0 ? nothingRests : await view.resting([...new Set(due.map(({ destination }) => destination))]);
}

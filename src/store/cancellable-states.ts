/** Which deliveries a cancellation means: what waits, or the dead letters that nobody needs any more. */
import type { DeliveryFilter, DeliveryState } from './store.ts';

const waiting: readonly DeliveryState[] = ['waiting', 'held'];

/** Those the filter names that can be cancelled; waiting and held ones where it names none. */
export function cancellableStates({ states = waiting }: DeliveryFilter): readonly DeliveryState[] {
  return states.filter((state) => waiting.includes(state) || state === 'dead');
}

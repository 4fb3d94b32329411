/** How many deliveries there are, and whether the sums agree. */
import type { DeliveryState } from './store.ts';

/** created = waiting + held + leased + done + dead + filtered + cancelled + superseded, or `gap` is not 0. */
export interface Counts {
  readonly created: number;
  /** Of ended deliveries: how many ever ended so. */
  readonly byState: Readonly<Record<DeliveryState, number>>;
  /** Dead ones that are kept and can be replayed. */
  readonly deadKept: number;
  readonly gap: number;
}

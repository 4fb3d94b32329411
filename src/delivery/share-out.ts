/** Shares a pull out among the destinations that are due, so that the backlog of one does not starve the others. Pure. */
import type { Lease, LeaseWish } from '../store/store.ts';

export interface Due {
  readonly destination: string;
  /** Deliveries that may start now; 0 or less: none. */
  readonly slots: number;
}

/**
 * `loads`: what runs of each destination. The least busy come first, each gets as much, what is left goes to whoever can. Of
 * those that are as busy, the one at place `first` and those behind it come first: `due` has always the same order.
 */
export function shareOut(
  due: readonly Due[],
  loads: ReadonlyMap<string, number>,
  most: number,
  first = 0,
): readonly LeaseWish[] {
  const start = due.length === 0 ? 0 : first % due.length;
  const able = (start === 0 ? due : [...due.slice(start), ...due.slice(0, start)])
    .filter(({ slots }) => slots > 0)
    .toSorted((a, b) => (loads.get(a.destination) ?? 0) - (loads.get(b.destination) ?? 0))
    .slice(0, most);
  const each = Math.max(1, Math.floor(most / Math.max(1, able.length)));
  let left = most - able.reduce((sum, { slots }) => sum + Math.min(slots, each), 0);
  return able.map(({ destination, slots }) => {
    const own = Math.min(slots, each);
    const more = Math.min(slots - own, Math.max(0, left));
    left -= more;
    return { destination, max: own + more };
  });
}

/** How many run of each destination. */
export function loadsOf(running: Iterable<{ readonly lease: Lease }>): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { lease } of running) found.set(lease.destination, (found.get(lease.destination) ?? 0) + 1);
  return found;
}

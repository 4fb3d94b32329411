/** Leases in the answer of an append travel without the events that were appended: whoever appends has them. */
import type { AppendItem, Appended, Lease } from './store.ts';

export interface AppendedAway extends Omit<Appended, 'leased'> {
  readonly leased: readonly (Omit<Lease, 'event'> & Partial<Pick<Lease, 'event'>>)[];
}

export function withoutEvents(items: readonly AppendItem[], appended: readonly Appended[]): readonly AppendedAway[] {
  if (!appended.some(isLeased)) return appended;
  return appended.map((each, index) => {
    const own = items[index]?.event;
    const leased = each.leased.map(({ event, ...lease }) => (event === own ? lease : { ...lease, event }));
    return { ...each, leased };
  });
}

export function withEvents(items: readonly AppendItem[], appended: readonly AppendedAway[]): readonly Appended[] {
  // Then they are whole as they are.
  if (!appended.some(isLeased)) return appended as readonly Appended[];
  return appended.map((each, index) => {
    const own = items[index]?.event;
    const leased = each.leased.flatMap((lease) => {
      const event = lease.event ?? own;
      return event === undefined ? [] : [{ ...lease, event }];
    });
    return { ...each, leased };
  });
}

const isLeased = ({ leased }: AppendedAway): boolean => leased.length > 0;

/** Leases in the answer of an append travel without their events: whoever appends has them. */
import type { AppendItem, Appended, Lease } from './store.ts';

export interface AppendedAway extends Omit<Appended, 'leased'> {
  readonly leased: readonly Omit<Lease, 'event'>[];
}

export function withoutEvents(appended: readonly Appended[]): readonly AppendedAway[] {
  return appended.map((each) =>
    each.leased.length === 0 ? each : { ...each, leased: each.leased.map(({ event: _event, ...lease }) => lease) },
  );
}

export function withEvents(items: readonly AppendItem[], appended: readonly AppendedAway[]): readonly Appended[] {
  return appended.map((each, index) => {
    const event = items[index]?.event;
    if (each.leased.length === 0 || event === undefined) return { ...each, leased: [] };
    return { ...each, leased: each.leased.map((lease) => ({ ...lease, event })) };
  });
}

/** What people do to deliveries on PostgreSQL: sending ended ones again, cancelling what waits. */
import { cancellableStates } from './cancellable-states.ts';
import { growthOfAppend, type Growth } from './growth.ts';
import { readEvent } from './postgres-append.ts';
import { cancelRows } from './postgres-deliveries.ts';
import type { PostgresParts } from './postgres-parts.ts';
import { allDeliveries } from './postgres-read.ts';
import { replayRow } from './postgres-replay.ts';
import { isEnded, type DeliveryRow, type Store } from './store.ts';

export function createPostgresInterventions(parts: PostgresParts): Pick<Store, 'replay' | 'cancel'> {
  const { pool, sessions, destinations, heads, usage, changed } = parts;

  async function growthOfReplay(row: DeliveryRow): Promise<Growth> {
    const event = await readEvent(pool, row.namespaceUid, row.eventId);
    return event === undefined
      ? new Map()
      : growthOfAppend([{ event, deliveries: [{ destination: row.destination }] }]);
  }

  return {
    async replay(filter, generation, to) {
      const states = (filter.states ?? ['dead', 'cancelled']).filter((state) => isEnded(state));
      let created = 0;
      for (const row of await allDeliveries(pool, { ...filter, states, latest: true })) {
        if (to === undefined && row.generation >= generation) continue;
        // Before the transaction: inside, each would hold a connection and wait for one more.
        const ids = await destinations.idsOf([to ?? row.destination]);
        const again = (): Promise<boolean> =>
          sessions.transaction((session) => replayRow(session, row, generation, to, ids));
        if (await usage.within(await growthOfReplay(row), [], again)) created++;
        heads.note(to ?? row.destination, 0);
      }
      changed();
      return created;
    },
    async cancel(filter) {
      const states = cancellableStates(filter);
      const rows = await allDeliveries(pool, { ...filter, states });
      const numbers = rows.map(({ delivery }) => delivery);
      const cancelled = await sessions.transaction((session) => cancelRows(session, numbers, states));
      heads.readSoon();
      changed();
      return cancelled;
    },
  };
}

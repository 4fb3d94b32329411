/** Events that come in on PostgreSQL: calls that come together share a transaction, each stays within its quota. */
import { createAppendClock, type AppendClock } from './append-times.ts';
import { growthOfAppend, growthOfWrites } from './growth.ts';
import { appendItems, isOneStatement } from './postgres-append.ts';
import { appendConditional } from './postgres-append-if.ts';
import { answersByCall, createBatches } from './postgres-batches.ts';
import { answerDuplicates, isKnownKey } from './postgres-duplicates.ts';
import { batchBytes, noteAppended, rowBytes, type PostgresParts } from './postgres-parts.ts';
import type { AppendItem, Appended, Store } from './store.ts';

export interface PostgresAppending extends Pick<Store, 'append' | 'appendIf' | 'isKnown'> {
  /** How long appends took. */
  readonly times: Pick<AppendClock, 'read'>;
}

export function createPostgresAppending(parts: PostgresParts): PostgresAppending {
  const { pool, sessions, destinations, heads, usage, now, changed } = parts;
  const times = createAppendClock();

  /** Items of one call are stored together; calls of one batch, too, and each fails alone. */
  const append = createBatches<readonly AppendItem[], readonly Appended[]>({
    run: async (calls) => answersByCall(calls, await store(calls.flat())),
    weigh: (items) => items.reduce((sum, { event }) => sum + event.body.length + rowBytes, 0),
    most: batchBytes,
    now,
  });

  async function store(items: readonly AppendItem[]): Promise<readonly Appended[]> {
    const ids = await destinations.idsOf(
      items.flatMap(({ deliveries }) => deliveries.map(({ destination }) => destination)),
    );
    const stored = isOneStatement(items)
      ? await sessions.once((session) => appendItems(session, items, ids))
      : await sessions.transaction((session) => appendItems(session, items, ids));
    const known = items.filter((_, index) => stored[index] === undefined);
    const duplicates =
      known.length === 0 ? [] : await sessions.transaction((session) => answerDuplicates(session, known, destinations));
    noteAppended(heads, items);
    let duplicate = 0;
    return items.flatMap((_, index) => stored[index] ?? duplicates[duplicate++] ?? []);
  }

  return {
    times,
    async append(items) {
      const began = now();
      const appended = await usage.within(growthOfAppend(items), [], () => append(items));
      times.observe(now() - began);
      changed();
      return appended;
    },
    isKnown: (namespaceUid, duplicate) => isKnownKey(pool, namespaceUid, duplicate),
    async appendIf(conditional) {
      const { append: items, writes } = conditional;
      const growth = growthOfWrites(writes, growthOfAppend(items));
      const began = now();
      const answer = await usage.within(growth, writes, () => appendConditional(sessions, conditional, destinations));
      if (answer === 'ok' && items.length > 0) {
        times.observe(now() - began);
        noteAppended(heads, items);
        changed();
      }
      return answer;
    },
  };
}

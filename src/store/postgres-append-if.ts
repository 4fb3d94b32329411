/** Appending under conditions on PostgreSQL: the keys it expects something of stay locked until all of it has landed. */
import { appendItems } from './postgres-append.ts';
import type { PostgresDestinations } from './postgres-destinations.ts';
import { answerDuplicates } from './postgres-duplicates.ts';
import { writeKeyValues } from './postgres-key-value.ts';
import type { Sessions } from './postgres-session.ts';
import type { ConditionalAppend } from './store.ts';

export async function appendConditional(
  sessions: Sessions,
  { append, writes, expectations }: ConditionalAppend,
  destinations: PostgresDestinations,
): Promise<'ok' | 'conflict'> {
  const ids = await destinations.idsOf(append.flatMap(({ deliveries }) => deliveries.map((each) => each.destination)));
  return await sessions.transaction(async (session) => {
    const [written] = await writeKeyValues(session.client, [{ writes, expectations }]);
    if (written?.kind !== 'ok') return 'conflict';
    if (append.length === 0) return 'ok';
    const answers = await appendItems(session, append, ids);
    const known = append.filter((_, index) => answers[index] === undefined);
    if (known.length > 0) await answerDuplicates(session, known, destinations);
    return 'ok';
  });
}

/** One key under many clients: every answer fits one order of the writes that also fits the times of the calls. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KeyValueExpectation, Store } from '../../src/store/store.ts';
import type { Versioned } from '../../src/store/types.ts';
import { storeEngines } from './store-engines.ts';

const scope = { namespaceUid: 'ns-a', space: 'shared' };
const clients = 8;
const rounds = 30;

/** Counted by one clock of the test: an operation that ended before another began has a smaller `ended` than its `began`. */
interface Operation {
  readonly kind: 'read' | 'write';
  readonly began: number;
  readonly ended: number;
  /** Of a write its place among all writes, of a read that of the write it saw; 0: before the first. */
  readonly place: number;
}

/** What contradicts one order; empty: there is one (reads between the write they saw and the next). */
function contradictions(operations: readonly Operation[]): readonly string[] {
  const found: string[] = [];
  const writes = operations.filter(({ kind }) => kind === 'write');
  const places = new Set(writes.map(({ place }) => place));
  if (places.size !== writes.length) found.push('two writes in one place');
  for (const earlier of operations) {
    for (const later of operations) {
      if (earlier.ended > later.began) continue;
      if (later.kind === 'write' ? later.place > earlier.place : later.place >= earlier.place) continue;
      found.push(`${later.kind} ${later.place} after ${earlier.kind} ${earlier.place}`);
    }
  }
  return found;
}

/** Every write counts itself in the same transaction, so its number is its place. */
async function record(store: Pick<Store, 'get' | 'write'>): Promise<{
  readonly operations: readonly Operation[];
  readonly conflicts: number;
}> {
  let clock = 0;
  let conflicts = 0;
  const operations: Operation[] = [];
  const placeOf = new Map<string, number>([['', 0]]);
  const seen: { readonly began: number; readonly ended: number; readonly text: string }[] = [];

  async function read(): Promise<Versioned | undefined> {
    const began = ++clock;
    const found = await store.get(scope, 'k');
    seen.push({ began, ended: ++clock, text: Buffer.from(found?.value ?? []).toString() });
    return found;
  }

  async function write(text: string, expectations: readonly KeyValueExpectation[]): Promise<number | undefined> {
    const began = ++clock;
    const written = await store.write(
      [
        { scope, key: 'k', change: { kind: 'set', value: Buffer.from(text) } },
        { scope, key: 'places', change: { kind: 'increment', delta: 1 } },
      ],
      expectations,
    );
    const ended = ++clock;
    if (written.kind !== 'ok') {
      conflicts++;
      return undefined;
    }
    const place = written.numbers[1] ?? assert.fail('no number');
    placeOf.set(text, place);
    operations.push({ kind: 'write', began, ended, place });
    return place;
  }

  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let round = 0; round < rounds; round++) {
        const text = `${client}.${round}`;
        if ((client + round) % 3 === 0) await write(text, []);
        else {
          const before = await read();
          const place = await write(text, [{ scope, key: 'k', version: before?.version ?? 0 }]);
          // Nothing came between what was expected and what was written.
          if (place !== undefined) {
            assert.equal(placeOf.get(Buffer.from(before?.value ?? []).toString()) ?? place - 1, place - 1);
          }
        }
      }
    }),
  );
  for (const { text, ...times } of seen) {
    const place = placeOf.get(text) ?? assert.fail(`a value nobody wrote: ${text}`);
    operations.push({ kind: 'read', ...times, place });
  }
  return { operations, conflicts };
}

for (const [name, open] of Object.entries(storeEngines())) {
  describe(`one key under many clients (${name})`, () => {
    test('is linearizable: reads, blind writes and compared writes', async (t) => {
      const store = await open(t);
      const { operations, conflicts } = await record(store);
      assert.deepEqual(contradictions(operations), []);
      const writes = operations.filter(({ kind }) => kind === 'write').length;
      assert.equal(writes + conflicts, clients * rounds);
      assert.ok(conflicts > 0 && writes > clients, `${writes} writes, ${conflicts} conflicts: not at the same time`);
    });
  });
}

test('the check notices an answer that is one write late', async (t) => {
  const open = storeEngines()['SQLite in memory'] ?? assert.fail('no engine');
  const store = await open(t);
  let before: Versioned | undefined;
  const late: Pick<Store, 'get' | 'write'> = {
    async get(of, key) {
      const now = await store.get(of, key);
      const answer = before;
      before = now;
      return answer;
    },
    write: (writes) => store.write(writes, []),
  };
  await assert.rejects(async () => {
    const { operations } = await record(late);
    assert.deepEqual(contradictions(operations), []);
  });
});

/**
 * A process that uses the store as hard as it can and says on standard output what it was promised: `A id` once an append
 * was answered, `D id` once a settle was. Ended from outside at any moment, or with a fourth argument `end` when all appends
 * are answered. With a fifth so many delivery ids come first, at once, and it says `K count` when they are kept.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';

const [path = '', run = '0', bound = '100000', ending, keys = '0'] = process.argv.slice(2);
const destinations = ['f/a', 'f/b', 'f/c'];
const body = new Uint8Array(512).fill(65);
let made = 0;

/** A full pipe says EAGAIN: the reader is slower than we are. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

async function append(store: Store): Promise<void> {
  while (made < Number(bound)) {
    const id = `${run}-${made++}`;
    await store.append([
      {
        event: { id, namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body },
        deliveries: [{ destination: destinations[made % destinations.length] ?? 'f/a' }],
        duplicate: { endpoint: 'f', key: id, windowMs: 3_600_000 },
      },
    ]);
    // A duplicate is answered the same: it is there already.
    say(`A ${id}\n`);
  }
}

/** Settles two of three, so that every state is there when the process ends. */
async function run_(store: Store): Promise<void> {
  for (;;) {
    const leases = await store.lease(
      destinations.map((destination) => ({ destination, max: 8 })),
      60_000,
    );
    const settled = leases.filter((_, index) => index % 3 !== 2);
    const writes = [
      { scope: { namespaceUid: 'ns', space: 'f' }, key: 'settled', change: { kind: 'increment', delta: 1 } },
    ] as const;
    await store.settle(settled.map(({ receipt }) => ({ receipt, ending: { kind: 'done' }, writes })));
    for (const { event } of settled) say(`D ${event.id}\n`);
    if (leases.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

const opened = await openStore({
  path,
  onLost: (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(3);
  },
});
say('ready\n');
const store = opened.connect();
if (Number(keys) > 0) {
  // Nobody wants them: only their ids are kept.
  await store.append(
    Array.from({ length: Number(keys) }, (_, index) => ({
      event: { id: `k${index}`, namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body: new Uint8Array() },
      deliveries: [],
      duplicate: { endpoint: 'f', key: `k${index}`, windowMs: 3_600_000 },
    })),
  );
  say(`K ${keys}\n`);
}
void run_(opened.connect());
await Promise.all(Array.from({ length: 16 }, () => append(store)));
if (ending === 'end') process.exit(0);

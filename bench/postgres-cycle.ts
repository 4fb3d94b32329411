/** One process of the PostgreSQL benchmark: full cycles (append, lease, settle) as fast as they go; its figures as a line of JSON. */
import { openPostgresStore } from '../src/store/postgres-store.ts';

const [url = '', name = '', seconds = '6'] = process.argv.slice(2);
const inFlight = 128;
const backlog = 10_000;
const destinations = Array.from({ length: 8 }, (_, index) => `function-${index}`);
const body = new Uint8Array(1024).fill(65);

const store = await openPostgresStore({
  url,
  processId: name,
  onError: (error) => process.stderr.write(`${error.message}\n`),
});
const latencies: number[] = [];
const counts = { made: 0, settled: 0, stale: 0 };
const stop = new AbortController();

async function append(): Promise<void> {
  while (!stop.signal.aborted) {
    const id = `${name}-${counts.made++}`;
    const began = performance.now();
    await store.append([
      {
        event: { id, namespaceUid: 'bench', type: 'order', source: '/bench', attributes: '{}', body },
        deliveries: [{ destination: destinations[counts.made % destinations.length] ?? '' }],
        duplicate: { endpoint: 'bench', key: id, windowMs: 3_600_000 },
      },
    ]);
    latencies.push(performance.now() - began);
    while (!stop.signal.aborted && counts.made - counts.settled > backlog)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function run(): Promise<void> {
  while (!stop.signal.aborted) {
    const due = (await store.heads()).filter(({ dueInMs }) => dueInMs === 0);
    const wishes = due.map(({ destination }) => ({ destination, max: 32 }));
    const leases = wishes.length === 0 ? [] : await store.lease(wishes, 30_000);
    if (leases.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    // Each call settles by itself, as those of functions do.
    const answers = await Promise.all(
      leases.map(({ receipt }) => store.settle([{ receipt, ending: { kind: 'done' } }])),
    );
    counts.settled += answers.filter(([answer]) => answer === 'ok').length;
    counts.stale += answers.filter(([answer]) => answer !== 'ok').length;
  }
}

const cpu = process.cpuUsage();
const began = performance.now();
const working = [...Array.from({ length: inFlight }, append), run(), run()];
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
stop.abort();
const elapsed = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
const done = counts.settled;
await Promise.all(working);
process.stdout.write(
  `${JSON.stringify({ cycles: done / elapsed, appends: latencies, cpuMicros: (user + system) / Math.max(1, done), stale: counts.stale })}\n`,
);
await store.close();

/** Stored events: full cycles a second, synchronous calls beside a backlog, dead destinations among others, matching. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { localPolicy } from '../src/policy/installation-policy.ts';
import { runtimeDefaults } from '../src/settings/runtime-settings.ts';
import type { OpenStore } from '../src/store/open-store.ts';
import { EventIndex } from '../src/triggers/event-index.ts';
import { parseEventPattern } from '../src/triggers/event-pattern.ts';
import { serveFunctions, type ServedFunctions } from '../test/builders/serve-functions.ts';
import { counts, drained, pause, withStore } from './delivery-store.ts';
import { measureBesideBacklog } from './measure-beside-backlog.ts';
import { type Measure, quantile, type Suite } from './measure.ts';

const seconds = 8;
const destinations = 100;
const eventsPerDestination = 30;
const patterns = 10_000;

interface Load {
  readonly perSecond: number;
  readonly p99: number;
  readonly failed: number;
}

export const suite: Suite = {
  name: 'Delivery: SQLite in a file, one worker',
  async run(progress) {
    return [
      ...(await withStore((store) => measureCycles(store, progress))),
      ...(await measureBesideBacklog(progress)),
      ...(await withStore((store) => measureDeadDestination(store, progress))),
      measureMatching(),
    ];
  },
};

/** Load from a process of its own. */
async function load(url: string, method: 'GET' | 'POST', body?: string, forSeconds = seconds): Promise<Load> {
  const order = JSON.stringify({ url, method, seconds: forSeconds, ...(body === undefined ? {} : { body }) });
  const child = fork(join(import.meta.dirname, 'http-load.ts'), [order]);
  const [result] = (await once(child, 'message')) as [Load];
  return result;
}

/** HTTP accept, synced, leased, a trivial handler, settled: as fast as it goes, while requests keep coming. */
async function measureCycles(store: OpenStore, progress: (line: string) => void): Promise<Measure[]> {
  const served = await serveFunctions({
    store,
    functions: [
      {
        name: 'take',
        code: 'return function(event) end',
        triggers: [{ name: 'web', http: { path: 'take', mode: 'async', receiver: { open: {} } } }],
      },
    ],
    settings: { asynchronous: { ...runtimeDefaults.asynchronous, waitingPerDestination: 10_000_000 } },
  });
  try {
    await load(`${served.url}/default/take`, 'POST', oneKilobyte, 1);
    await drained(store);
    const before = await counts(store);
    const cpu = process.cpuUsage();
    const began = performance.now();
    const accepting = load(`${served.url}/default/take`, 'POST', oneKilobyte);
    await pause(seconds * 500);
    const middle = await counts(store);
    const accepted = await accepting;
    const after = await counts(store);
    const took = (performance.now() - began) / 1000;
    const done = after.done - before.done;
    const cycles = done / took;
    const { user, system } = process.cpuUsage(cpu);
    const stored = done + after.waiting + after.leased - before.waiting - before.leased;
    progress(`cycles: ${Math.round(accepted.perSecond)} accepted/s, ${Math.round(cycles)} done/s`);
    return [
      {
        name: 'full cycle: accepted, leased, run, settled',
        value: cycles,
        unit: '/s',
        goal: { compare: '>=', value: 6_000 },
        note: `HTTP from another process on the same cores, 1 KiB bodies, ${Math.round(accepted.perSecond)} accepted/s, p99 ${accepted.p99.toFixed(1)} ms; ${((user + system) / done).toFixed(0)} µs of CPU time each`,
      },
      {
        name: 'accepted against done: the oldest event gets older by what is above 1',
        value: stored / done,
        unit: '×',
        goal: { compare: '<=', value: 1.02 },
        note: `${middle.waiting} wait in the middle of the run, ${after.waiting} at its end`,
      },
      { name: 'failed requests', value: accepted.failed, unit: '', goal: { compare: '<=', value: 0 } },
    ];
  } finally {
    await served.close();
  }
}

/** How long webhooks take from publishing to arrival, with all receivers well, and with one that never answers. */
async function measureDeadDestination(store: OpenStore, progress: (line: string) => void): Promise<Measure[]> {
  const arrivals = new Map<string, number>();
  const stalling = { on: false };
  const receiver: Server = createServer((request, response) => {
    const [, name = '', id = ''] = (request.url ?? '').split('/');
    request.resume();
    // The socket stays open and nothing comes.
    if (stalling.on && name === 's0') return;
    arrivals.set(`${name} ${request.headers['x-round']?.toString() ?? ''}${id}`, performance.now());
    request.on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
  const served = await serveFunctions({
    store,
    policy: { egress },
    secrets: { 'signing/first': 'a secret that is long enough' },
    functions: [{ name: 'bus', code: 'return { call = function(e) assert(events.publish("com.tick", e.data)) end }' }],
    subscriptions: Array.from({ length: destinations }, (_, index) => ({
      name: `s${index}`,
      url: `${url}/s${index}`,
      events: ['com.tick'],
      secretRefs: [{ name: 'signing', key: 'first' }],
      transform: 'return event.data, { ["x-round"] = tostring(event.data.round) }',
    })),
  });
  const times = { well: [] as number[], stalled: [] as number[] };
  try {
    for (let round = 0; round < eventsPerDestination; round += 1) {
      const kind = round % 2 === 0 ? 'well' : 'stalled';
      stalling.on = kind === 'stalled';
      const began = performance.now();
      await publish(served, { round });
      const others = Array.from({ length: destinations - 1 }, (_, index) => `s${index + 1} ${round}`);
      while (!others.every((name) => arrivals.has(name))) await pause(1);
      times[kind].push(...others.map((name) => (arrivals.get(name) ?? 0) - began));
    }
    progress(`${times.well.length + times.stalled.length} webhooks of the others arrived`);
    const ratio = quantile(times.stalled, 0.99) / quantile(times.well, 0.99);
    return [
      {
        name: `p99 of ${destinations - 1} destinations beside one that never answers, against all well`,
        value: ratio,
        unit: '×',
        goal: { compare: '<=', value: 1.1 },
        note: `${quantile(times.well, 0.99).toFixed(1)} ms and ${quantile(times.stalled, 0.99).toFixed(1)} ms from publishing to arrival, in turns`,
      },
    ];
  } finally {
    await served.close();
    receiver.closeAllConnections();
    receiver.close();
  }
}

/** Types of many tenants' habits: exact ones, and prefixes of several depths. */
function measureMatching(): Measure {
  const index = new EventIndex<number>();
  for (let number = 0; number < patterns; number += 1) {
    const text =
      number % 3 === 0
        ? `com.acme.team${number % 97}.*`
        : number % 3 === 1
          ? `com.acme.team${number % 97}.service${number}.*`
          : `com.acme.team${number % 97}.service${number}.created`;
    const parsed = parseEventPattern(text);
    if (parsed.ok) index.add(parsed.pattern, number);
  }
  const types = Array.from(
    { length: 1_000 },
    (_, number) => `com.acme.team${number % 97}.service${number * 7}.created`,
  );
  const rounds: number[] = [];
  let found = 0;
  for (let round = 0; round < 60; round += 1) {
    const began = performance.now();
    for (const type of types) found += index.match(type).size;
    rounds.push(((performance.now() - began) * 1000) / types.length);
  }
  return {
    name: `matching an event against ${patterns.toLocaleString('en-US')} patterns`,
    value: quantile(rounds, 0.5),
    unit: 'µs',
    goal: { compare: '<=', value: 20 },
    note: `${(found / types.length / rounds.length).toFixed(0)} match on average`,
  };
}

async function publish(served: ServedFunctions, data: object): Promise<void> {
  const response = await served.call('/function/default/bus', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(data),
  });
  if (!response.ok) throw new Error(`publishing answered ${response.status}`);
}

const oneKilobyte = JSON.stringify({ text: 'x'.repeat(1_000) });

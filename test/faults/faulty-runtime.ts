/**
 * A runtime in a process of its own that the fault tests end, freeze and starve: real HTTP, real store, the functions of
 * `workload.ts`. What goes wrong inside it on purpose comes as an argument of this program and wraps the store it is given;
 * nothing of it is in the product.
 */
import { flushCompileCache } from 'node:module';
import { MessageChannel } from 'node:worker_threads';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { openPostgres } from '../../src/store/open-postgres.ts';
import { openStore, type OpenStore } from '../../src/store/open-store.ts';
import { serveStore } from '../../src/store/serve-store.ts';
import { crashLimit, type Lease, type Store } from '../../src/store/store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import type { CrashPoint, FaultyRuntime } from './start-runtime.ts';
import { ordersFunction, ordersSubscription, signingSecret, statesFunction } from './workload.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as FaultyRuntime;
const fail = (message: string): never => {
  process.stderr.write(`${settings.name}: ${message}\n`);
  process.exit(3);
};

/** The store as the threads of the runtime see it: this process ends at the named point. */
function crashing(store: Store): Store {
  const { crash, poison } = settings;
  if (crash === undefined && poison === undefined) return store;
  let left = crash?.after ?? 0;
  const poisonous = new Set<number>();
  const reach = (point: CrashPoint, count = 1): void => {
    if (point === crash?.point && count > 0 && --left <= 0) process.kill(process.pid, 'SIGKILL');
  };
  const isPoison = ({ event, destination }: Lease): boolean =>
    poison !== undefined &&
    destination.endsWith('trigger:take') &&
    Buffer.from(event.body).toString().startsWith(`{"id":"${poison}`);
  return {
    ...store,
    async append(items) {
      const appended = await store.append(items);
      reach('after sync before 202');
      return appended;
    },
    async lease(wishes, leaseMs) {
      const leases = await store.lease(wishes, leaseMs);
      reach('after lease', leases.length);
      // At the limit it is to be ended, not run.
      const killers = leases.filter((lease) => isPoison(lease) && lease.crashes < crashLimit);
      for (const { receipt } of killers) poisonous.add(receipt.delivery);
      // Its neighbours are running by then.
      if (killers.length > 0) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
      return leases;
    },
    async settle(items) {
      // It never comes to its end, however fast it is.
      if (items.some(({ receipt }) => poisonous.has(receipt.delivery))) process.kill(process.pid, 'SIGKILL');
      reach('after delivery before settle', items.length);
      const settled = await store.settle(items);
      reach('after settle', items.length);
      return settled;
    },
  };
}

async function open(): Promise<OpenStore> {
  const { store } = settings;
  if ('path' in store) return await openStore({ path: store.path, onLost: (error) => fail(error.message) });
  // A connection that breaks is part of the test.
  return await openPostgres({ url: store.url, processId: settings.name, onError: () => undefined });
}

const opened = await open().catch((error: Error) => fail(error.message));
const store: OpenStore = {
  ...opened,
  port() {
    const { port1, port2 } = new MessageChannel();
    serveStore(crashing(opened.connect()), port1);
    return port2;
  },
};
const served = await serveFunctions({
  store,
  policy: { egress: localPolicy('http://127.0.0.1:1', ['127.0.0.1']).egress },
  secrets: signingSecret,
  functions: [ordersFunction(settings), statesFunction(settings)],
  subscriptions: [ordersSubscription(settings)],
  settings: {
    asynchronous: {
      ...runtimeDefaults.asynchronous,
      ...(settings.leaseMs === undefined ? {} : { leaseMs: settings.leaseMs }),
    },
  },
});
flushCompileCache();
process.stdout.write(`${JSON.stringify({ url: served.url, admin: served.admin })}\n`);
// The test has ended, however it did.
process.stdin.on('end', () => process.exit(0)).resume();

/** A runtime that accepts signed webhooks into a store in a file and runs none of them, in a process of its own as the program is. */
import { openStore } from '../src/store/open-store.ts';
import { runtimeDefaults } from '../src/settings/runtime-settings.ts';
import { serveFunctions } from '../test/builders/serve-functions.ts';

export interface AcceptOrder {
  readonly path: string;
  readonly secret: string;
}

const { path, secret } = JSON.parse(process.argv[2] ?? '{}') as AcceptOrder;
const store = await openStore({
  path,
  disk: { reserveBytes: 0 },
  onLost(error) {
    throw error;
  },
});
const served = await serveFunctions({
  store,
  secrets: { 'github/secret': secret },
  functions: [
    {
      name: 'take',
      // What is accepted waits: nothing else is measured.
      suspend: true,
      code: 'return function() end',
      triggers: [
        {
          name: 'web',
          http: {
            path: 'take',
            mode: 'async',
            receiver: { github: { secretRefs: [{ name: 'github', key: 'secret' }] } },
          },
        },
      ],
    },
  ],
  settings: { workers: 1, asynchronous: { ...runtimeDefaults.asynchronous, waitingPerDestination: 10_000_000 } },
});
process.send?.({ url: `${served.url}/default/take` });
await new Promise((resolve) => process.once('disconnect', resolve));
await served.close();
await store.close();
process.exit(0);

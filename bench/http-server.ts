/** Serves the bare route and our function side by side, each on one thread of its own; prints the two addresses. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { serveFunctions } from '../test/builders/serve-functions.ts';

const worker = new Worker(new URL('./http-bare-worker.ts', import.meta.url));
const [barePort] = (await once(worker, 'message')) as [number];
const workers = Number(process.argv[2] ?? '1');
const served = await serveFunctions({
  settings: { workers },
  functions: [
    {
      name: 'hello',
      code: `
        return function(event)
          local request = event.request
          return "hello " .. request.headers["x-name"] .. " at " .. request.path
        end`,
      triggers: [{ name: 'web', http: { path: 'hello', receiver: { open: {} } } }],
    },
    {
      name: 'echo',
      code: 'return function(event) return "hello " .. event.data.name end',
      triggers: [{ name: 'web', http: { path: 'echo', receiver: { open: {} } } }],
    },
  ],
});
process.send?.({ bare: `http://127.0.0.1:${barePort}`, ours: served.url });
process.on('disconnect', () => process.exit(0));

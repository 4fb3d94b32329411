/**
 * A runtime on a store in a file, in a process of its own as the program is: a function that answers, and one for which a
 * backlog waits. Does what its parent says: stores the backlog, lets it drain or wait.
 */
import { serveFunctions, type FunctionUnderTest } from '../test/builders/serve-functions.ts';
import { counts, fill, withStore } from './delivery-store.ts';

export type BacklogOrder = { readonly fill: number } | { readonly drains: boolean } | { readonly close: true };

export type BacklogAnswer = { readonly url: string } | { readonly done: number };

const answers: FunctionUnderTest = {
  name: 'answers',
  code: 'return function() return "hello" end',
  triggers: [{ name: 'web', http: { path: 'answers', receiver: { open: {} } } }],
};
const drains: FunctionUnderTest = {
  name: 'drains',
  code: 'return function() kv.incr("n") end',
  triggers: [{ name: 'web', http: { path: 'drains', mode: 'async', receiver: { open: {} } } }],
};

const tell = (answer: BacklogAnswer): void => void process.send?.(answer);

await withStore(async (store) => {
  const served = await serveFunctions({ store, functions: [answers] });
  const closed = Promise.withResolvers<void>();
  process.on('disconnect', closed.resolve);
  async function obey(order: BacklogOrder): Promise<void> {
    if ('close' in order) return closed.resolve();
    if ('fill' in order) await fill(store, 'ns-default/drains/trigger:web', order.fill, 0);
    // What nobody serves waits.
    else await served.serve(answers, ...(order.drains ? [drains] : []));
    tell({ done: (await counts(store)).done });
  }
  process.on('message', (order: BacklogOrder) => void obey(order).catch(closed.reject));
  tell({ url: `${served.url}/default/answers` });
  await closed.promise;
  await served.close();
});
process.exit(0);

/** A runtime on a store in a file, one of whose functions kills the process. `fill`: stores the events and ends. */
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import { workItem } from './work-item.ts';

const [path = '', mode = 'run', innocents = '0'] = process.argv.slice(2);
const store = await openStore({
  path,
  onLost(error) {
    throw error;
  },
});

if (mode === 'fill') {
  const connection = store.connect();
  const count = Number(innocents);
  const items = Array.from({ length: count }, (_, index) => workItem(`innocent-${index}`, 'innocent'));
  // In the middle of them, so that many run when it strikes.
  items.splice(Math.floor(count / 2), 0, workItem('poison', 'poison'));
  await connection.append(items);
  await store.close();
} else {
  const on = { name: 'on', event: { type: 'com.work' } };
  await serveFunctions({
    store,
    settings: { workers: 2, fault: { killFunction: 'default/poison' } },
    functions: [
      {
        name: 'innocent',
        code: 'return function(event) sleep(0.05) kv.set("done/" .. event.data.id, event.attempt) end',
        triggers: [on],
      },
      { name: 'poison', code: 'return function() end', triggers: [on] },
    ],
  });
  const connection = store.connect();
  for (;;) {
    const { byState } = await connection.counts();
    if (byState.waiting + byState.leased + byState.held === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.exit(0);
}

/** Asynchronous triggers with limits: events wait for their turn; bursts are taken together; repeats are recognised. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };

suite('throttled asynchronous triggers', () => {
  let served: ServedFunctions;
  before(async () => {
    const asynchronous = { mode: 'async', receiver: open } as const;
    served = await serveFunctions({
      settings: { workers: 2 },
      functions: [
        {
          name: 'jobs',
          code: `
            return {
              serial = function(event) sleep(0.03) log.info("n" .. event.data.n) end,
              keyed = function(event) sleep(0.05) log.info("n" .. event.data.n) end,
              paced = function(event) log.info("n" .. event.data.n) end,
              quiet = function(event) log.info("n" .. event.data.n) end,
              once = function(event) log.info("n" .. event.data.n) end,
            }`,
          triggers: [
            { name: 'serial', http: { path: 'serial', ...asynchronous, concurrency: { limit: 1 } } },
            {
              name: 'keyed',
              http: { path: 'keyed', ...asynchronous, concurrency: { limit: 1, key: 'event.data.user' } },
            },
            { name: 'paced', http: { path: 'paced', ...asynchronous, rate: { requests: 2, per: '400ms' } } },
            {
              name: 'quiet',
              http: { path: 'quiet', ...asynchronous, debounce: { key: 'event.data.user', wait: '150ms' } },
            },
            { name: 'once', http: { path: 'once', ...asynchronous, dedup: { key: 'event.data.id', window: '1h' } } },
          ],
        },
        {
          name: 'bounded',
          limits: { concurrency: 3 },
          code: 'return { default = function() sleep(0.1) end }',
          triggers: [
            { name: 'wide', http: { path: 'wide', ...asynchronous } },
            { name: 'narrow', http: { path: 'narrow', ...asynchronous }, limits: { concurrency: 1 } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const post = async (path: string, data: unknown): Promise<Response> => {
    const response = await fetch(`${served.url}/default/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(data),
    });
    assert.ok(response.ok, `${path} ${response.status}`);
    return response;
  };
  const ranAll = (trigger: string, count: number) =>
    eventually(`${count} calls of ${trigger}`, async () => {
      const records = await served.runtime.records.query({ trigger, outcomes: ['ok'] });
      return records.length >= count && records;
    });
  const overlaps = (records: readonly { time: number; durationMs: number }[]): number => {
    const sorted = [...records].sort((a, b) => a.time - b.time);
    return sorted.filter((each, index) => {
      const next = sorted[index + 1];
      // Wall clock in whole milliseconds against monotonic fractions.
      return next !== undefined && next.time < each.time + each.durationMs - 2;
    }).length;
  };

  test('never more at once than the limits of function and trigger say, over all workers', async () => {
    const paths = Array.from({ length: 24 }, (_, n) => (n % 4 === 0 ? 'narrow' : 'wide'));
    await Promise.all(paths.map((path, n) => post(path, { n })));
    const records = [...(await ranAll('wide', 18)), ...(await ranAll('narrow', 6))];
    const most = (among: typeof records): number =>
      Math.max(
        ...among.map(
          ({ time }) => among.filter((each) => each.time <= time && time < each.time + each.durationMs - 2).length,
        ),
      );
    assert.ok(most(records) <= 3, `${most(records)} at once`);
    assert.ok(most(records) > 1, 'control: they do run beside each other');
    assert.equal(most(records.filter(({ trigger }) => trigger === 'narrow')), 1);
  });

  test('one at a time, over all workers, and none is turned away', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, n) => post('serial', { n })));
    const records = await ranAll('serial', 6);
    assert.equal(overlaps(records), 0);
  });

  test('one at a time for each key, keys beside each other', async () => {
    await Promise.all(['a', 'b'].flatMap((user) => Array.from({ length: 3 }, (_, n) => post('keyed', { user, n }))));
    const records = await ranAll('keyed', 6);
    assert.equal(records.length, 6);
  });

  test('a rate spreads the runs', async () => {
    const began = Date.now();
    await Promise.all(Array.from({ length: 4 }, (_, n) => post('paced', { n })));
    const records = await ranAll('paced', 4);
    const last = Math.max(...records.map(({ time }) => time));
    assert.ok(last - began >= 300, `the last ran after ${last - began} ms`);
  });

  test('of a burst only the newest event of each key runs, after quiet', async () => {
    for (let n = 1; n <= 4; n += 1) await post('quiet', { user: 'a', n });
    await post('quiet', { user: 'b', n: 9 });
    const records = await ranAll('quiet', 2);
    const said = records.map(({ log }) => log?.[0]?.message ?? '').sort();
    assert.deepEqual(said, ['n4', 'n9']);
    assert.equal(await served.metric('deliveries{state="superseded"}'), 3);
  });

  test('a repeat by the trigger’s own key is answered with the first event and does not run', async () => {
    const first = await post('once', { id: 'x', n: 1 });
    const again = await post('once', { id: 'x', n: 2 });
    assert.equal(again.headers.get('x-moonhook-duplicate-of'), first.headers.get('x-call-id'));
    const other = await post('once', { id: 'y', n: 3 });
    assert.equal(other.headers.get('x-moonhook-duplicate-of'), null);
    const records = await ranAll('once', 2);
    assert.deepEqual(records.map(({ log }) => log?.[0]?.message ?? '').sort(), ['n1', 'n3']);
    const duplicate = await served.record({ trigger: 'once', outcomes: ['duplicate'] });
    assert.equal(duplicate.duplicateOf, first.headers.get('x-call-id'));
  });
});

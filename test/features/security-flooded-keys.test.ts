/**
 * A stranger floods one key of a trigger with limits: who is behind him in the same trigger, and other functions of the
 * namespace, run all the same.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const asynchronous = { mode: 'async', receiver: { open: {} } } as const;
const key = 'event.request.query.key';
/** More than a namespace has places for on one worker. */
const flood = 300;

suite('a flooded key', () => {
  let served: ServedFunctions;
  before(async () => {
    const slow = 'function(event) if event.request.query.key == "flood" then sleep(240) end end';
    served = await serveFunctions({
      settings: { workers: 1, drainGraceMs: 0 },
      functions: [
        ...(['concurrency', 'rate', 'limits'] as const).map((name) => ({
          name,
          namespace: `team-${name}`,
          limits: { timeout: '5m' },
          code: `return { limited = ${slow} }`,
          triggers: [
            {
              name: 'limited',
              http: {
                path: 'limited',
                ...asynchronous,
                ...(name === 'concurrency' ? { concurrency: { key, limit: 1 } } : {}),
                ...(name === 'rate' ? { rate: { key, requests: 1, per: '1h' } } : {}),
              },
              ...(name === 'limits' ? { limits: { concurrency: 1 } } : {}),
            },
          ],
        })),
        ...['concurrency', 'rate', 'limits'].map((name) => ({
          name: 'other',
          namespace: `team-${name}`,
          code: 'return function() end',
          triggers: [{ name: 'other', http: { path: 'other', ...asynchronous } }],
        })),
      ],
    });
  });
  after(() => served.close());

  const post = async (path: string): Promise<string> => {
    const response = await fetch(served.url + path, { method: 'POST' });
    await response.arrayBuffer();
    assert.equal(response.status, 202);
    return response.headers.get('x-call-id') ?? '';
  };
  const ran = (id: string) => served.record({ id }, ({ outcome }) => outcome === 'ok');

  for (const name of ['concurrency', 'rate', 'limits'] as const) {
    test(`of the limit ${name} holds up nobody else`, async () => {
      for (let sent = 0; sent < flood; sent += 50) {
        await Promise.all(Array.from({ length: 50 }, () => post(`/team-${name}/limited?key=flood`)));
      }
      const others = [await post(`/team-${name}/other`)];
      // Without a key all are one.
      if (name !== 'limits') others.push(await post(`/team-${name}/limited?key=somebody`));
      for (const id of others) await ran(id);
      const query = { namespace: `team-${name}`, trigger: 'limited', outcomes: ['ok'] as const };
      const ended = await served.runtime.records.query({ ...query, limit: 1000 });
      assert.equal(ended.length, name === 'limits' ? 0 : 1, 'control: the flood keeps to its limit');
    });
  }
});

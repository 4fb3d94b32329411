/** An event that is larger than what is stored is refused with the limit wherever it comes in, and nothing of it is kept. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { openStore, type OpenStore } from '../../src/store/open-store.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const limit = 2048;

suite('events over the limit of the store', () => {
  let store: OpenStore;
  let served: ServedFunctions;
  before(async () => {
    store = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
    served = await serveFunctions({
      store,
      settings: { asynchronous: { ...runtimeDefaults.asynchronous, eventBytes: limit } },
      functions: [
        {
          name: 'take',
          code: 'return { take = function(event) end, bus = function(event) end, call = function(event) end }',
          triggers: [
            { name: 'take', http: { path: 'take', mode: 'async', receiver: { open: {} } } },
            { name: 'bus', event: { type: 'com.acme.*' } },
          ],
        },
      ],
    });
  });
  after(async () => {
    await served.close();
    await store.close();
  });

  const json = { 'content-type': 'application/json' };
  const event = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'com.acme.a', 'ce-specversion': '1.0' };
  const post = (headers: Readonly<Record<string, string>>, body: string): RequestInit => ({
    method: 'POST',
    headers: { ...json, ...headers },
    body,
  });
  const sized = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
  const ways: Readonly<Record<string, (body: string) => Promise<Response>>> = {
    'an asynchronous trigger': (body) => fetch(`${served.url}/default/take`, post({}, body)),
    'an asynchronous call': (body) => served.call('/async-function/default/take', post({}, body)),
    'a call that would rather be asynchronous': (body) =>
      served.call('/function/default/take', post({ prefer: 'respond-async' }, body)),
    'the bus': (body) => served.call('/events/default', post(event, body)),
  };
  const created = async (): Promise<number> => {
    const connection = store.connect();
    try {
      return (await connection.counts()).created;
    } finally {
      await connection.close();
    }
  };

  for (const [way, send] of Object.entries(ways)) {
    test(`${way}: 413 with the limit, and nothing is stored; what has the limit is`, async () => {
      const before_ = await created();
      const refused = await send(sized(limit + 1));
      assert.equal(refused.status, 413);
      assert.match(await refused.text(), /the body may have 2048 bytes/);
      assert.equal(await created(), before_);
      const accepted = await send(sized(limit));
      assert.equal(accepted.status, 202, await accepted.text());
      assert.equal(await created(), before_ + 1, 'the control');
    });
  }
});

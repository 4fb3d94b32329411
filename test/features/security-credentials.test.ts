/** Credentials of requests that nobody could verify, and ids that callers choose, do no harm in records, logs and headers. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const secret = 'f3a1c9e07b5d4482';

function urlSecret(name: string, where: Readonly<Record<string, string>>) {
  return { urlSecret: { secretRefs: [{ name, key: 'key' }], ...where } };
}

suite('credentials in the URL', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1 },
      secrets: { 'there/key': secret },
      functions: [
        {
          name: 'hidden',
          code: 'return function() return "in" end',
          triggers: [
            {
              name: 'query',
              http: { path: 'query', methods: ['POST'], receiver: urlSecret('there', { query: 'code' }) },
            },
            { name: 'missing', http: { path: 'missing', receiver: urlSecret('gone', { query: 'code' }) } },
            { name: 'segment', http: { path: 'segment/:code/x', receiver: urlSecret('gone', { segment: 'code' }) } },
          ],
        },
        {
          name: 'open',
          code: 'return function() return "in" end',
          triggers: [{ name: 'open', http: { path: 'open', receiver: { open: {} } } }],
        },
      ],
    });
  });
  after(() => served.close());

  for (const [name, method, path, status] of [
    ['verified', 'POST', `/default/query?code=${secret}&x=1`, 200],
    ['wrong', 'POST', `/default/query?code=${secret}wrong`, 401],
    ['sent with another method', 'GET', `/default/query?code=${secret}`, 405],
    ['for a receiver whose own secret is missing', 'POST', `/default/missing?code=${secret}`, 503],
    ['in a segment for a receiver whose own secret is missing', 'POST', `/default/segment/${secret}/x`, 503],
    ['sent to a path with a slip', 'POST', `/default/quary?code=${secret}`, 404],
    ['that is the whole query of such a path', 'POST', `/default/quary?${secret}`, 404],
    ['in a path that is not canonical', 'POST', `/default/query/?code=${secret}`, 400],
  ] as const) {
    test(`${name}: not in records and log`, async () => {
      const response = await fetch(served.url + path, { method });
      assert.equal(response.status, status);
      assert.ok(!(await response.text()).includes(secret));
      const id = response.headers.get('x-call-id') ?? '';
      const record = await served.record({ id });
      assert.match(record.request?.target ?? '', /^\/default\//);
      assert.ok(!JSON.stringify(record).includes(secret), JSON.stringify(record));
      assert.ok(!JSON.stringify(served.log).includes(secret));
    });
  }

  test('control: of a receiver without credentials in the URL the target is kept whole', async () => {
    const response = await fetch(`${served.url}/default/open?code=${secret}`);
    const record = await served.record({ id: response.headers.get('x-call-id') ?? '' });
    assert.equal(record.request?.target, `/default/open?code=${secret}`);
  });
});

suite('ids that callers choose', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1 },
      functions: [
        {
          name: 'listens',
          code: 'return { call = function(event) return { pcall(events.publish, "com.acme.x", {}, event.data) } end, default = function() end }',
          triggers: [{ name: 'acme', event: { type: 'com.acme.*' } }],
        },
      ],
    });
  });
  after(() => served.close());

  const publish = (id: string): Promise<Response> =>
    served.call('/events/default', {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ specversion: '1.0', type: 'com.acme.x', source: '/shop', id }),
      signal: AbortSignal.timeout(10_000),
    });

  test('come back in a header only as headers can carry them', async () => {
    for (const [id, header] of [
      ['order-1', 'order-1'],
      ['bestellung ü€', 'bestellung%20%C3%BC%E2%82%AC'],
    ] as const) {
      assert.equal((await publish(id)).headers.get('x-moonhook-duplicate-of'), null);
      const again = await publish(id);
      assert.equal(again.status, 202);
      assert.equal(again.headers.get('x-moonhook-duplicate-of'), header);
    }
  });

  test('with control characters are refused, from outside and from Lua', async () => {
    for (const id of ['a\r\nset-cookie: a=b', '\u001b[2J', '\u009b2J', '\u0000']) {
      const refused = await publish(id);
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /id holds a control character/);
      const called = await served.call('/function/default/listens', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id }),
      });
      assert.match(await called.text(), /^\[false,"[^"]*id holds a control character/);
    }
    assert.deepEqual(
      served.log.filter((line) => Number(line['level']) >= 50),
      [],
    );
  });
});

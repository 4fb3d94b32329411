/** Events of the platform come from the platform only: no sender, however well proved, can write their types. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const secret = '7d1f0c53a2b94e68a1c0';
const receiver = { cloudEvents: { secretRefs: [{ name: 'proof', key: 'key' }] } };

suite('types of the platform', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1 },
      secrets: { 'proof/key': secret },
      functions: [
        {
          name: 'gate',
          code: 'return function(event) return event.type end',
          triggers: [
            { name: 'now', http: { path: 'now', mode: 'sync', publish: true, receiver } },
            { name: 'later', http: { path: 'later', mode: 'async', publish: true, receiver } },
          ],
        },
        {
          name: 'listens',
          code: 'return function(event) log.info(event.type) end',
          triggers: [{ name: 'all', event: { type: '*' } }],
        },
      ],
    });
  });
  after(() => served.close());

  const send = (path: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<Response> =>
    fetch(`${served.url}/default/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, ...headers },
      body: JSON.stringify(body),
    });
  const event = (type: string, id: string) => ({ specversion: '1.0', id, source: '/shop', type, data: {} });
  const ways: readonly [string, (path: string, type: string, id: string) => Promise<Response>][] = [
    ['structured', (path, type, id) => send(path, { 'content-type': 'application/cloudevents+json' }, event(type, id))],
    [
      'binary',
      (path, type, id) =>
        send(
          path,
          {
            'content-type': 'application/json',
            'ce-specversion': '1.0',
            'ce-id': id,
            'ce-source': '/shop',
            'ce-type': type,
          },
          {},
        ),
    ],
    [
      'in a batch',
      (path, type, id) =>
        send(path, { 'content-type': 'application/cloudevents-batch+json' }, [
          event('com.acme.first', `${id}-first`),
          event(type, id),
        ]),
    ],
  ];

  for (const [way, deliver] of ways) {
    for (const path of way === 'in a batch' ? ['later'] : ['now', 'later']) {
      test(`are refused from a proved sender, ${way}, ${path}, and control: another type passes`, async () => {
        const passed = await deliver(path, `com.acme.${path}`, `${way} ok ${path}`.replaceAll(' ', '-'));
        assert.ok(passed.ok, `${passed.status} ${await passed.text()}`);
        await served.record({ functionName: 'listens' }, (each) => each.log?.[0]?.message === `com.acme.${path}`);
        for (const type of ['dev.moonhook.call.dead', 'dev.moonhook.http.request']) {
          const refused = await deliver(path, type, `${way} ${type} ${path}`.replaceAll(' ', '-'));
          assert.equal(refused.status, 400);
          assert.match(await refused.text(), /types below dev\.moonhook\. are set by Moonhook only/);
        }
      });
    }
  }

  test('have reached no listener', async () => {
    const heard = await served.runtime.records.query({ functionName: 'listens', limit: 1_000 });
    assert.ok(heard.length >= ways.length);
    assert.deepEqual(
      heard
        .flatMap((record) => (record.log ?? []).map((line) => line.message))
        .filter((type) => type.startsWith('dev.')),
      [],
    );
  });
});

/** Before a subscription with `handshake` sends anything, its receiver has agreed: the asking side of CloudEvents web hooks. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { SubscriptionUnderTest } from '../builders/serve-functions.ts';
import { secretRefs, startWebhookBench, type WebhookBench } from '../builders/webhook-bench.ts';
import { answer, type ReceivedWebhook } from '../builders/webhook-receiver.ts';

const origin = 'events.example.com';
const token = 'a-bearer-token-of-the-receiving-side';

suite('asking receivers for permission', () => {
  let bench: WebhookBench;
  before(async () => {
    bench = await startWebhookBench({
      secrets: () => ({ 'inbox/token': token, 'inbox/header': `Bearer ${token}` }),
      functions: [
        {
          name: 'inbox',
          namespace: 'team-a',
          code: 'local function take() return nil end return { listed = take, stranger = take }',
          triggers: ['listed', 'stranger'].map((name) => ({
            name,
            http: {
              path: name,
              receiver: {
                cloudEvents: {
                  origins: [name === 'listed' ? origin : 'other.example.com'],
                  secretRefs: [{ name: 'inbox', key: 'token' }],
                },
              },
            },
          })),
        },
      ],
    });
  });
  after(() => bench.close());

  const subscribe = async (name: string, parts: Partial<SubscriptionUnderTest> = {}): Promise<void> => {
    const [verdict] = await bench.served.subscribe({
      name,
      namespace: 'team-a',
      url: `${bench.receiver.url}/${name}`,
      events: [`${name}.*`],
      secretRefs,
      format: 'cloudEvents',
      handshake: { origin },
      ...parts,
    });
    assert.ok(verdict?.accepted, verdict?.message);
  };
  const grant =
    (headers: Readonly<Record<string, string>> = {}) =>
    (...[response, received]: Parameters<ReturnType<typeof answer>>): void => {
      const granted = { 'webhook-allowed-origin': origin, allow: 'POST', ...headers };
      response.writeHead(received.method === 'OPTIONS' ? 200 : 204, received.method === 'OPTIONS' ? granted : {}).end();
    };
  const methods = (received: readonly ReceivedWebhook[]): readonly string[] => received.map(({ method }) => method);

  test('the question comes before the first event and once for many, and deliveries repeat the origin', async () => {
    bench.receiver.on('/agrees', grant({ 'webhook-allowed-rate': '*' }));
    await subscribe('agrees', { rate: { requests: 2, per: '10ms' } });
    for (let n = 0; n < 5; n += 1) await bench.publish('agrees.a', { n });
    // One question for each worker that sends: never more questions than events, and each event behind one.
    const received = await bench.receiver.count('/agrees', 6);
    const [question] = received;
    assert.equal(question?.method, 'OPTIONS');
    assert.equal(question.headers['webhook-request-origin'], origin);
    assert.equal(question.headers['webhook-request-rate'], '12000');
    assert.equal(question.headers['webhook-signature'], undefined);
    assert.equal(question.body, '');
    const deliveries = received.filter(({ method }) => method === 'POST');
    assert.ok(deliveries.length > 0);
    for (const { headers } of deliveries) assert.equal(headers['webhook-request-origin'], origin);
  });

  test('nothing is sent where nobody agrees, and the record says what is missing; consent given later is enough', async () => {
    bench.receiver.on('/later', answer(200));
    await subscribe('later', { retry: { schedule: ['5ms', '5ms', '5ms'] } });
    const id = await bench.publish('later.a', {});
    const dead = await bench.served.record({ id }, ({ outcome }) => outcome === 'dead');
    assert.match(dead.detail ?? '', /asked with OPTIONS .* answered 200 without WebHook-Allowed-Origin/);
    assert.deepEqual(new Set(methods(await bench.receiver.count('/later', 4))), new Set(['OPTIONS']));
    bench.receiver.on('/later', grant());
    const next = await bench.publish('later.a', {});
    const record = await bench.served.record({ id: next }, ({ kind }) => kind === 'webhook');
    assert.equal(record.outcome, 'ok');
  });

  test('the rate that a receiver allows is kept', async () => {
    const subscriptions = ['slow', 'quick'].map((name) => ({
      name,
      namespace: 'team-a',
      url: `${bench.receiver.url}/${name}`,
      events: ['pace.*'],
      secretRefs,
      format: 'cloudEvents' as const,
      handshake: { origin },
    }));
    bench.receiver.on('/slow', grant({ 'webhook-allowed-rate': '1' }));
    bench.receiver.on('/quick', grant({ 'webhook-allowed-rate': '*' }));
    await bench.served.subscribe(...subscriptions);
    for (let n = 0; n < 10; n += 1) await bench.publish('pace.a', { n });
    const posts = (path: string): number =>
      bench.receiver.received.filter((each) => each.path === path && each.method === 'POST').length;
    // The control: all of them are due, and one after the other arrives where no rate is set.
    for (let n = 10; posts('/quick') < 10; n += 1) await bench.receiver.count('/quick', n);
    await bench.receiver.count('/slow', 2);
    assert.equal(posts('/slow'), 1);
  });

  test('our own receiver agrees to the origins it lists, and to no other', async () => {
    const headers = [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: 'inbox', key: 'header' } } }];
    await subscribe('ours', { url: `${bench.served.url}/team-a/listed`, headers });
    const id = await bench.publish('ours.a', { hello: 1 });
    const sent = await bench.served.record({ id }, ({ kind }) => kind === 'webhook');
    assert.deepEqual([sent.outcome, sent.detail, sent.outgoing?.status], ['ok', undefined, 204]);
    await subscribe('strange', { url: `${bench.served.url}/team-a/stranger`, headers, retry: { schedule: [] } });
    const other = await bench.publish('strange.a', {});
    const refused = await bench.served.record({ id: other }, ({ outcome }) => outcome === 'dead');
    assert.match(refused.detail ?? '', /without WebHook-Allowed-Origin/);
  });
});

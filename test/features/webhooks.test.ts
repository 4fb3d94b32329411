/** Webhooks of subscriptions: what a receiver gets, proved with an independent implementation of Standard Webhooks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';
import { startReceiver, type ReceivedWebhook, type WebhookReceiver } from '../builders/webhook-receiver.ts';

const first = `whsec_${Buffer.from('the first secret of the tests').toString('base64')}`;
const second = `whsec_${Buffer.from('the second secret of the tests').toString('base64')}`;
const third = 'a secret made elsewhere, of plain text';
const secretRefs = [{ name: 'signing', key: 'first' }];

function verified(received: ReceivedWebhook | undefined, secret = first): unknown {
  assert.ok(received);
  return new Webhook(secret).verify(received.body, received.headers as Record<string, string>);
}

suite('webhooks of subscriptions', () => {
  let served: ServedFunctions;
  let receiver: WebhookReceiver;
  const publish = (type: string, data: unknown, options = ''): Promise<Response> =>
    served.call(`/function/team-a/shop`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type, data, options }),
    });

  before(async () => {
    receiver = await startReceiver();
    const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
    served = await serveFunctions({
      policy: { egress },
      secrets: {
        'signing/first': first,
        'signing/second': second,
        'signing/third': third,
        'target/url': `${receiver.url}/hidden-path`,
        'target/token': 'Bearer a-token-for-the-receiver',
      },
      functions: [
        {
          name: 'shop',
          namespace: 'team-a',
          code: `return { call = function(event)
            local d = event.data
            return { id = assert(events.publish(d.type, d.data, d.options ~= "" and { channel = d.options } or nil)) }
          end }`,
        },
      ],
    });
  });
  after(async () => {
    await served.close();
    await receiver.close();
  });

  test('a published event is sent signed, as an independent library verifies', async () => {
    await served.subscribe({
      name: 'orders',
      namespace: 'team-a',
      url: `${receiver.url}/orders`,
      events: ['com.acme.order.*'],
      secretRefs,
    });
    const { id } = (await (await publish('com.acme.order.created', { total: 12.5 })).json()) as { id: string };
    const [received] = await receiver.count('/orders', 1);
    const payload = verified(received) as { type: string; timestamp: string; data: unknown };
    assert.deepEqual([payload.type, payload.data], ['com.acme.order.created', { total: 12.5 }]);
    assert.ok(Math.abs(Date.parse(payload.timestamp) - Date.now()) < 60_000);
    assert.equal(received?.headers['webhook-id'], id);
    assert.equal(received?.headers['content-type'], 'application/json');
    // The control: another secret does not verify.
    assert.throws(() => verified(received, second));
    const record = await served.record({ id }, ({ kind }) => kind === 'webhook');
    assert.equal(record.outcome, 'ok');
    assert.deepEqual(record.outgoing, { target: `${receiver.url}/orders`, status: 204 });
  });

  test('github', async () => {
    await served.subscribe({
      name: 'old',
      namespace: 'team-a',
      url: `${receiver.url}/github`,
      events: ['*'],
      secretRefs: [{ name: 'signing', key: 'third' }],
      format: 'github',
    });
    await publish('com.acme.thing', { a: 1 });
    const [received] = await receiver.count('/github', 1);
    const expected = createHmac('sha256', third).update('{"a":1}').digest('hex');
    assert.equal(received?.headers['x-hub-signature-256'], `sha256=${expected}`);
  });
});

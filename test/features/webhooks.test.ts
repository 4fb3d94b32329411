/** Webhooks of subscriptions: what a receiver gets, proved with an independent implementation of Standard Webhooks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { dumpTable } from '../../src/routing/dump-table.ts';
import type { SubscriptionUnderTest } from '../builders/serve-functions.ts';
import {
  firstSecret,
  plainSecret,
  secondSecret,
  secretRefs,
  startWebhookBench,
  type WebhookBench,
} from '../builders/webhook-bench.ts';
import { answer, type ReceivedWebhook } from '../builders/webhook-receiver.ts';

function verified(received: ReceivedWebhook | undefined, secret = firstSecret): unknown {
  assert.ok(received);
  return new Webhook(secret).verify(received.body, received.headers as Record<string, string>);
}

suite('webhooks of subscriptions', () => {
  let bench: WebhookBench;
  const hiddenPath = '/hidden-path-of-the-receiver';
  const token = 'Bearer a-token-for-the-receiver';
  before(async () => {
    bench = await startWebhookBench({
      secrets: ({ url }) => ({ 'target/url': `${url}${hiddenPath}`, 'target/token': token }),
    });
  });
  after(() => bench.close());

  /** One subscription in `team-a` to its own path. */
  const subscribe = async (
    name: string,
    parts: Partial<SubscriptionUnderTest> & { readonly events: readonly string[] },
  ): Promise<void> => {
    const target = parts.urlFrom === undefined ? { url: `${bench.receiver.url}/${name}` } : {};
    const all = { name, namespace: 'team-a', secretRefs, ...target, ...parts };
    for (const { accepted, message } of await bench.served.subscribe(all)) assert.ok(accepted, message);
  };

  test('a published event is sent signed, as an independent library verifies', async () => {
    await subscribe('orders', { events: ['com.acme.order.*'] });
    const id = await bench.publish('com.acme.order.created', { total: 12.5 });
    const [received] = await bench.receiver.count('/orders', 1);
    const payload = verified(received) as { type: string; timestamp: string; data: unknown };
    assert.deepEqual([payload.type, payload.data], ['com.acme.order.created', { total: 12.5 }]);
    assert.ok(Math.abs(Date.parse(payload.timestamp) - Date.now()) < 60_000);
    assert.equal(received?.headers['webhook-id'], id);
    assert.equal(received?.headers['content-type'], 'application/json');
    // The control: another secret does not verify.
    assert.throws(() => verified(received, secondSecret));
    const record = await bench.served.record({ id }, ({ kind }) => kind === 'webhook');
    assert.equal(record.outcome, 'ok');
    assert.deepEqual(record.outgoing, { target: `${bench.receiver.url}/orders`, status: 204 });
  });

  test('while a secret is rotated both verify, and a secret of plain text is its own key', async () => {
    const keys = ['first', 'second', 'plain'];
    await subscribe('rotated', { events: ['a.b'], secretRefs: keys.map((key) => ({ name: 'signing', key })) });
    await bench.publish('a.b', {});
    const [received] = await bench.receiver.count('/rotated', 1);
    verified(received, firstSecret);
    verified(received, secondSecret);
    assert.ok(received);
    new Webhook(plainSecret, { format: 'raw' }).verify(received.body, received.headers as Record<string, string>);
  });

  test('types, patterns and channels decide who gets an event; the border is the namespace', async () => {
    const { served, receiver } = bench;
    const at = (name: string, parts: Partial<SubscriptionUnderTest>): SubscriptionUnderTest => ({
      name,
      namespace: 'team-a',
      url: `${receiver.url}/${name}`,
      secretRefs,
      events: ['m.*'],
      ...parts,
    });
    await served.subscribe(
      at('all', { events: ['*', 'm.*'] }),
      at('exact', { events: ['m.one'] }),
      at('channel', { channels: ['gold'] }),
      at('elsewhere', { namespace: 'team-b' }),
    );
    await bench.publish('m.one', { n: 1 });
    await bench.publish('m.two', { n: 2 }, 'gold');
    await bench.publish('m.three', { n: 3 }, 'silver');
    await receiver.count('/all', 3);
    const got = (path: string) =>
      receiver.received
        .filter((each) => each.path === path)
        .map(({ body }) => (JSON.parse(body) as { data: { n: number } }).data.n);
    await receiver.count('/exact', 1);
    await receiver.count('/channel', 1);
    assert.deepEqual(
      [got('/all').toSorted((a, b) => a - b), got('/exact'), got('/channel'), got('/elsewhere')],
      [[1, 2, 3], [1], [2], []],
    );
  });

  test('the filter turns events away, the transform makes the body and its headers, nil sends nothing', async () => {
    await subscribe('shaped', {
      events: ['s.*'],
      filter: 'event.data.total > 10',
      headers: [{ name: 'X-Team', value: 'a' }],
      transform: `if event.data.secret then return nil end
        log.info("shaped")
        return { text = "total " .. event.data.total }, { ["x-total"] = event.data.total, ["content-type"] = "application/vnd.acme+json" }`,
    });
    const small = await bench.publish('s.a', { total: 5 });
    const secret = await bench.publish('s.a', { total: 50, secret: true });
    const big = await bench.publish('s.a', { total: 99 });
    const [received] = await bench.receiver.count('/shaped', 1);
    assert.deepEqual(verified(received), { text: 'total 99' });
    assert.equal(received?.headers['x-total'], '99');
    assert.equal(received?.headers['x-team'], 'a');
    assert.equal(received?.headers['content-type'], 'application/vnd.acme+json');
    for (const [id, detail] of [
      [small, 'the filter turned it away'],
      [secret, 'the transform turned it away'],
    ]) {
      const record = await bench.served.record({ id: id as string }, ({ kind }) => kind === 'webhook');
      assert.deepEqual([record.outcome, record.detail], ['filtered', detail]);
    }
    const record = await bench.served.record({ id: big }, ({ kind }) => kind === 'webhook');
    assert.equal(record.log?.[0]?.message, 'shaped');
  });

  test('an expression that fails is no drop: the attempt fails, and in the end the event is dead with its error', async () => {
    await subscribe('failing', { events: ['f.*'], filter: 'event.data.a.b.c == 1', retry: { schedule: ['10ms'] } });
    const id = await bench.publish('f.a', {});
    const dead = await bench.served.record({ id }, ({ outcome }) => outcome === 'dead');
    assert.match(dead.detail ?? '', /^FilterError: .*index a nil value/);
    assert.equal(dead.attempt, 2);
    await subscribe('failing', {
      events: ['f.*'],
      transform: 'return {}, { host = "evil.example" }',
      retry: { schedule: [] },
    });
    const other = await bench.publish('f.a', {});
    const refused = await bench.served.record({ id: other }, ({ outcome }) => outcome === 'dead');
    assert.match(refused.detail ?? '', /TransformError: the header "host" cannot be set by a transform/);
    assert.equal(bench.receiver.received.filter(({ path }) => path === '/failing').length, 0);
  });

  test('an expression that does not compile is refused with its place, and events wait', async () => {
    const [ack] = await bench.served.subscribe({
      name: 'broken',
      namespace: 'team-a',
      url: `${bench.receiver.url}/broken`,
      events: ['b.*'],
      secretRefs,
      filter: 'a = = 1',
    });
    assert.deepEqual([ack?.accepted, ack?.reason, ack?.file, ack?.line], [false, 'LuaSyntax', 'spec.filter', 1]);
    await bench.publish('b.a', { n: 1 });
    await subscribe('broken', { events: ['b.*'], filter: 'true' });
    await bench.receiver.count('/broken', 1);
  });

  test('as a CloudEvent the signature covers the attributes', async () => {
    await subscribe('cloud', { events: ['c.*'], format: 'cloudEvents' });
    const id = await bench.publish('c.a', { big: 1 });
    const [received] = await bench.receiver.count('/cloud', 1);
    const { time, ...event } = verified(received) as Record<string, unknown>;
    assert.equal(typeof time, 'string');
    assert.deepEqual(event, {
      specversion: '1.0',
      id,
      source: '/team-a/shop',
      type: 'c.a',
      datacontenttype: 'application/json',
      data: { big: 1 },
    });
    assert.equal(received?.headers['content-type'], 'application/cloudevents+json');
  });

  test('in the shape of GitHub the secret’s own text is the key', async () => {
    await subscribe('github', { events: ['g.*'], format: 'github', secretRefs: [{ name: 'signing', key: 'plain' }] });
    const id = await bench.publish('g.a', { a: 1 });
    const [received] = await bench.receiver.count('/github', 1);
    const expected = createHmac('sha256', plainSecret).update('{"a":1}').digest('hex');
    assert.equal(received?.headers['x-hub-signature-256'], `sha256=${expected}`);
    assert.equal(received?.body, '{"a":1}');
    assert.deepEqual([received?.headers['x-github-event'], received?.headers['x-github-delivery']], ['g.a', id]);
  });

  test('a signature that a transform sets does not stand beside the real one', async () => {
    const transform = 'return event.data, { ["X-Hub-Signature-256"] = "sha256=00", ["X-GitHub-Event"] = "push" }';
    const signing = { format: 'github', secretRefs: [{ name: 'signing', key: 'plain' }] } as const;
    await subscribe('forged', { events: ['forged.*'], transform, ...signing });
    await bench.publish('forged.a', { a: 1 });
    const [received] = await bench.receiver.count('/forged', 1);
    const expected = createHmac('sha256', plainSecret).update('{"a":1}').digest('hex');
    assert.equal(received?.headers['x-hub-signature-256'], `sha256=${expected}`);
    assert.equal(received?.headers['x-github-event'], 'push', 'the control: other headers are its own');
  });

  test('with `ordered` one value of the key goes after the other, and other values pass', async () => {
    bench.receiver.on('/ordered', (response, { body }, count) => {
      const { n } = (JSON.parse(body) as { data: { n: number } }).data;
      response.writeHead(n === 1 && count < 3 ? 500 : 204).end();
    });
    await subscribe('ordered', {
      events: ['o.*'],
      ordered: { key: 'event.data.key' },
      retry: { schedule: ['300ms', '10ms'] },
    });
    for (const data of [
      { key: 'a', n: 1 },
      { key: 'a', n: 2 },
      { key: 'b', n: 3 },
    ])
      await bench.publish('o.x', data);
    const received = await bench.receiver.count('/ordered', 4);
    const order = received.map(({ body }) => (JSON.parse(body) as { data: { n: number } }).data.n);
    assert.deepEqual(
      order.filter((n) => n !== 3),
      [1, 1, 2],
    );
    assert.ok(order.indexOf(3) < 2, order.join());
  });

  test('`rate` spreads requests, and nothing of an attempt is used up while waiting', async () => {
    await subscribe('paced', { events: ['r.*'], rate: { requests: 3, per: '300ms' } });
    for (let n = 0; n < 7; n += 1) await bench.publish('r.a', { n });
    const received = await bench.receiver.count('/paced', 7);
    const [first, last] = [received[0]?.at ?? 0, received[6]?.at ?? 0];
    assert.ok(last - first >= 380, `${last - first}`);
    const records = await bench.served.runtime.records.query({ namespace: 'team-a', limit: 1000 });
    assert.ok(records.every((each) => each.subscription !== 'paced' || each.attempt === 1));
  });

  test('a suspended subscription keeps its events until it goes on', async () => {
    await subscribe('paused', { events: ['p.*'], suspend: true });
    await bench.publish('p.a', { n: 1 });
    await subscribe('paused', { events: ['p.*'] });
    await bench.receiver.count('/paused', 1);
  });

  test('no secret, URL or token of a subscription is in records, logs, metrics or the dump, even if the receiver echoes it', async () => {
    bench.receiver.on(hiddenPath, (response, { headers, path }) => {
      answer(400, {}, `${path} ${JSON.stringify(headers)} ${firstSecret}`)(response, {} as ReceivedWebhook, 1);
    });
    await subscribe('secretive', {
      events: ['x.*'],
      urlFrom: { secretKeyRef: { name: 'target', key: 'url' } },
      headers: [{ name: 'Authorization', valueFrom: { secretKeyRef: { name: 'target', key: 'token' } } }],
    });
    const id = await bench.publish('x.a', {});
    const [received] = await bench.receiver.count(hiddenPath, 1);
    // The control: the receiver did get them.
    assert.equal(received?.headers.authorization, token);
    const dead = await bench.served.record({ id }, ({ outcome }) => outcome === 'dead');
    assert.match(dead.detail ?? '', /^Refused: answered 400: \*\*\*/);
    const { runtime, log, admin } = bench.served;
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    const seen = JSON.stringify([
      await runtime.records.query({ limit: 10_000 }),
      log,
      metrics,
      dumpTable(runtime.table),
    ]);
    assert.match(seen, /secretive/);
    for (const secret of [firstSecret, secondSecret, plainSecret, token, hiddenPath])
      assert.ok(!seen.includes(secret), secret);
  });
});

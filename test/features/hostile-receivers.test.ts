/** Subscribers that misbehave: each is tried again as promised, none holds others back, and all of it is bounded. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import type { SubscriptionUnderTest } from '../builders/serve-functions.ts';
import { eventually } from '../builders/eventually.ts';
import { firstSecret, secretRefs, startWebhookBench, type WebhookBench } from '../builders/webhook-bench.ts';
import { answer, hostile, startReceiver, type Behaviour } from '../builders/webhook-receiver.ts';

suite('hostile receivers', () => {
  let bench: WebhookBench;
  before(async () => {
    bench = await startWebhookBench({
      functions: [
        {
          name: 'watcher',
          namespace: 'team-a',
          code: 'return { default = function(event) log.info(event.data.subscription .. " " .. event.data.reason) end }',
          triggers: [{ name: 'off', event: { type: 'dev.moonhook.subscription.disabled' } }],
        },
        {
          name: 'mourner',
          namespace: 'team-a',
          code: `return { default = function(event)
            local dead = event.data
            log.info(table.concat({ dead.subscription, dead.reason, dead.error, dead.attempts, dead.event.type }, "; "))
          end }`,
          triggers: [{ name: 'dead', event: { type: 'dev.moonhook.webhook.dead' } }],
        },
      ],
    });
  });
  after(() => bench.close());

  const at = (name: string, parts: Partial<SubscriptionUnderTest> = {}): SubscriptionUnderTest => ({
    name,
    namespace: 'team-a',
    url: `${bench.receiver.url}/${name}`,
    secretRefs,
    events: [`${name}.*`],
    ...parts,
  });
  const heard = new Set<string>();
  /** Waits until the bus has said this of a webhook that was given up. */
  const mourned = async (words: string): Promise<void> => {
    await bench.served.record({ functionName: 'mourner' }, ({ log }) => {
      const said = log?.[0]?.message ?? '';
      heard.add(said);
      return said === words;
    });
  };
  const dead = (id: string): Promise<CallRecord> => bench.served.record({ id }, ({ outcome }) => outcome === 'dead');

  const broken: readonly { readonly name: string; readonly behaviour: Behaviour; readonly says: RegExp }[] = [
    { name: 'stall', behaviour: hostile.stall, says: /no complete answer within 2000 ms/ },
    { name: 'reset', behaviour: hostile.reset, says: /the other side closed the connection/ },
    { name: 'half', behaviour: hostile.half, says: /the other side closed the connection/ },
    { name: 'drip', behaviour: hostile.drip, says: /no complete answer within 2000 ms/ },
    { name: 'flood', behaviour: hostile.flood, says: /answered 500: x{100}/ },
  ];
  for (const { name, behaviour, says } of broken) {
    test(`${name}: the attempt fails with a reason, and the next one has the same id and a new signature`, async () => {
      const { receiver, served } = bench;
      receiver.on(`/${name}`, (response, webhook, count) =>
        (count === 1 ? behaviour : answer(200))(response, webhook, count),
      );
      await served.subscribe(at(name, { timeout: '2s', retry: { schedule: ['1s', '1s'] } }));
      const id = await bench.publish(`${name}.x`, { name });
      const failed = await served.record({ id }, ({ outcome }) => outcome === 'error');
      assert.match(failed.detail ?? '', says);
      assert.ok((failed.detail ?? '').length < 400);
      assert.ok((failed.nextAttempt ?? 0) > failed.time);
      const [one, two] = await receiver.count(`/${name}`, 2);
      assert.ok(one && two);
      assert.equal(one.headers['webhook-id'], two.headers['webhook-id']);
      assert.ok(Number(two.headers['webhook-timestamp']) > Number(one.headers['webhook-timestamp']));
      assert.equal(one.body, two.body);
      new Webhook(firstSecret).verify(two.body, two.headers as Record<string, string>);
      // Never earlier than the schedule says.
      assert.ok(two.at - one.at >= 1000, `${two.at - one.at}`);
    });
  }

  test('a burst of 503 is ridden out, a 4xx ends at once', async () => {
    bench.receiver.on('/burst', (response, webhook, count) => answer(count < 4 ? 503 : 200)(response, webhook, count));
    bench.receiver.on('/refusing', answer(422, {}, 'no such order'));
    await bench.served.subscribe(
      at('burst', { events: ['both.*'], retry: { schedule: ['5ms', '5ms', '5ms'] } }),
      at('refusing', { events: ['both.*'], retry: { schedule: ['5ms', '5ms', '5ms'] } }),
    );
    const id = await bench.publish('both.x', {});
    const done = await bench.served.record(
      { id },
      ({ outcome, subscription }) => outcome === 'ok' && subscription === 'burst',
    );
    assert.equal(done.attempt, 4);
    assert.equal((await dead(id)).detail, 'Refused: answered 422: no such order');
    assert.equal((await bench.receiver.count('/refusing', 1)).length, 1);
    await mourned('refusing; Refused; answered 422: no such order; 1; both.x');
    const counted = (name: string, result: string): Promise<number> =>
      bench.served.metric(`webhook_attempts_total{namespace="team-a",subscription="${name}",result="${result}"}`);
    // Each thread tells its counts when it comes to it.
    let counts: readonly number[] = [];
    const expected = [1, 3, 1];
    await eventually(
      'each attempt is counted once',
      async () => {
        counts = [await counted('burst', 'done'), await counted('burst', 'retry'), await counted('refusing', 'dead')];
        return counts.every((count, index) => count === expected[index]);
      },
      () => counts,
    );
  });

  test('`Retry-After` lengthens a wait and never shortens it', async () => {
    bench.receiver.on('/later', (response, webhook, count) =>
      answer(count === 1 ? 429 : 200, { 'retry-after': '1' })(response, webhook, count),
    );
    await bench.served.subscribe(at('later', { retry: { schedule: ['5ms'] } }));
    await bench.publish('later.x', {});
    const [one, two] = await bench.receiver.count('/later', 2);
    assert.ok((two?.at ?? 0) - (one?.at ?? 0) >= 1000);
  });

  test('a redirect is not followed: the event is for the receiver that was named', async () => {
    bench.receiver.on('/moved', answer(302, { location: `${bench.receiver.url}/thief` }));
    await bench.served.subscribe(at('moved'));
    const id = await bench.publish('moved.x', {});
    assert.match((await dead(id)).detail ?? '', /^Redirected: answered 302/);
    assert.equal(bench.receiver.received.filter(({ path }) => path === '/thief').length, 0);
  });

  test('410 switches the subscription off with an event; an edit switches it on again', async () => {
    bench.receiver.on('/gone', answer(410));
    await bench.served.subscribe(at('gone'));
    const id = await bench.publish('gone.x', {});
    assert.match((await dead(id)).detail ?? '', /^Gone: answered 410/);
    const told = await bench.served.record({ functionName: 'watcher' }, ({ log }) => log !== undefined);
    assert.equal(told.log?.[0]?.message, 'gone Gone');
    const second = await bench.publish('gone.x', {});
    assert.match((await dead(second)).detail ?? '', /^SubscriptionDisabled: switched off: answered 410/);
    await mourned('gone; Gone; answered 410; 1; gone.x');
    // What it was to be sent while it is off is not told one by one: this would have come before.
    await bench.served.subscribe(at('last', { retry: { schedule: [] } }));
    bench.receiver.on('/last', answer(400));
    await bench.publish('last.x', {});
    await mourned('last; Refused; answered 400; 1; last.x');
    // The oldest: all that came after it have been heard.
    await mourned('refusing; Refused; answered 422: no such order; 1; both.x');
    assert.ok(heard.has('gone; Gone; answered 410; 1; gone.x'), 'the control');
    assert.ok(![...heard].some((words) => words.startsWith('gone; SubscriptionDisabled')));
    assert.equal(bench.receiver.received.filter(({ path }) => path === '/gone').length, 1);
    await bench.served.subscribe(at('gone', { url: `${bench.receiver.url}/back` }));
    await bench.publish('gone.x', {});
    await bench.receiver.count('/back', 1);
  });

  test('a dead destination does not delay others, and its own requests are bounded by its concurrency', async () => {
    bench.receiver.on('/tarpit', hostile.stall);
    await bench.served.subscribe(
      at('tarpit', { events: ['load.*'], timeout: '20s' }),
      at('healthy', { events: ['load.*'] }),
    );
    const began = performance.now();
    await Promise.all(Array.from({ length: 100 }, (_, n) => bench.publish('load.x', { n })));
    await bench.receiver.count('/healthy', 100);
    const took = performance.now() - began;
    assert.ok(took < 20_000, `${took} ms: the dead one holds each of its requests for 20 s`);
    // The control: the dead one was really tried.
    assert.equal((await bench.receiver.count('/tarpit', 10)).length, 10);
  });

  test('after ten failures in a row a host is left alone, and the events wait without losing attempts', async () => {
    const other = await startReceiver();
    try {
      other.on('/down', answer(500));
      await bench.served.subscribe(at('down', { url: `${other.url}/down`, concurrency: 1, retry: { schedule: [] } }));
      const ids = await Promise.all(Array.from({ length: 15 }, (_, n) => bench.publish('down.x', { n })));
      await other.count('/down', 10);
      const given = new Set<string>();
      await bench.served.record({}, ({ outcome, subscription, callId }) => {
        if (outcome === 'dead' && subscription === 'down') given.add(callId);
        return given.size === 10;
      });
      assert.equal(await bench.served.metric('breakers{state="open"}'), 1);
      const [breaker] = await bench.served.runtime.openBreakers();
      assert.deepEqual([breaker?.kind, breaker?.key.startsWith('ns-team-a ')], ['open', true]);
      // Others go on, and the five that are left have not been given up.
      await bench.served.subscribe(
        at('down', { url: `${other.url}/down`, concurrency: 1, retry: { schedule: [] } }),
        at('fine'),
      );
      await bench.publish('fine.x', {});
      await bench.receiver.count('/fine', 1);
      assert.equal(other.received.length, 10);
      const records = await bench.served.runtime.records.query({ limit: 10_000 });
      const ended = new Set(records.flatMap(({ outcome, eventId }) => (outcome === 'dead' ? [eventId] : [])));
      assert.equal(ids.filter((id) => !ended.has(id)).length, 5);
      assert.ok((await bench.served.metric('delivery_attempts_total{result="dead"}')) >= 10);
    } finally {
      await other.close();
    }
  });
});

test('an address that is not globally reachable is refused with the rule, written or resolved, and nothing arrives', async () => {
  const bench = await startWebhookBench({ grants: [] });
  const { port } = new URL(bench.receiver.url);
  try {
    const literal = { name: 'literal', namespace: 'team-a', url: bench.receiver.url, events: ['e.*'], secretRefs };
    const named = { ...literal, name: 'named', url: `http://localhost:${port}/` };
    await bench.served.subscribe(literal, named);
    const table = bench.served.runtime.table.subscriptions;
    const entry = [...(table?.values() ?? [])].find(({ name }) => name === 'literal');
    assert.equal(entry?.unresolved?.reason, 'PolicyDenied');
    assert.match(entry?.unresolved?.message ?? '', /127\.0\.0\.1 is not globally reachable .*rule address/);
    const id = await bench.publish('e.x', {});
    const refused = await bench.served.record({ id }, ({ outcome }) => outcome === 'dead');
    assert.equal(refused.subscription, 'named');
    assert.match(refused.detail ?? '', /^EgressDenied: .*localhost.*not globally reachable.*rule address/);
    assert.equal(bench.receiver.received.length, 0);
  } finally {
    await bench.close();
  }
});

test('a name that leads to a private address for the moment is tried again, not given up', async () => {
  const network = { addresses: { 'hooks.example.org': '10.0.0.9' }, ports: {}, ca: [] };
  const bench = await startWebhookBench({ grants: [], settings: { fault: { network } } });
  try {
    await bench.served.subscribe({
      name: 'moving',
      namespace: 'team-a',
      url: 'http://hooks.example.org/',
      events: ['e.*'],
      secretRefs,
      retry: { schedule: ['1h'] },
    });
    const id = await bench.publish('e.x', {});
    const failed = await bench.served.record({ id }, ({ subscription }) => subscription === 'moving');
    assert.equal(failed.outcome, 'error');
    assert.ok(failed.nextAttempt !== undefined);
    assert.match(failed.detail ?? '', /not globally reachable.*rule address/);
    assert.equal(await bench.served.metric('breakers{state="open"}'), 0);
  } finally {
    await bench.close();
  }
});

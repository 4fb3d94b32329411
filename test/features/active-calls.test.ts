/** The call listener: who may use it, calls now and later, events for a namespace. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { openStore, type OpenStore } from '../../src/store/open-store.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

/** `fetch` sets Host and forbids the headers that browsers set: this does not. */
function rawCall(url: string, headers: Readonly<Record<string, string>>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end('{}');
  });
}

suite('active calls', () => {
  let served: ServedFunctions;
  let opened: OpenStore;
  before(async () => {
    opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
    served = await serveFunctions({
      store: opened,
      functions: [
        {
          name: 'adder',
          namespace: 'team-a',
          code: `
            return {
              call = function(event)
                local d = event.data or {}
                if d.fail then log.warn("about to fail", { why = "asked" }) error("this detail") end
                if d.never then error(fail("never")) end
                return { sum = (d.a or 0) + (d.b or 0), name = event.name, sender = event.sender, auth = event.request.headers.authorization }
              end,
              order = function(event) log.info("order " .. event.type .. " " .. event.data.id .. " from " .. event.source) end,
            }`,
          triggers: [{ name: 'order', event: { type: 'com.acme.order.*', source: '/shop' } }],
        },
        {
          name: 'caller',
          namespace: 'team-a',
          code: `
            return {
              default = function(event)
                local reply, err = call("adder", { a = 20, b = 22 })
                if not reply then return 502, err.message end
                return reply.status, reply.body
              end,
              call = function(event)
                local reply, err = call("caller", {})
                return reply and reply.body or err.message
              end
            }`,
          triggers: [{ name: 'web', http: { path: 'caller', receiver: { open: {} } } }],
        },
        {
          name: 'orders',
          namespace: 'team-a',
          code: `
            return {
              show = function(event)
                local r = event.request
                return { id = r.params.id, path = r.path, route = r.route, trigger = event.trigger, x = r.query.x }
              end,
              tick = function(event) log.info("tick") return { event.data, event.name, event.type, event.trigger } end,
            }`,
          triggers: [
            { name: 'show', http: { path: 'orders/:id', methods: ['GET'], receiver: { open: {} } } },
            { name: 'tick', schedule: { cron: '0 3 * * *', data: { region: 'eu' } } },
          ],
        },
        { name: 'quiet', namespace: 'team-a', code: 'return { only = function() end }', triggers: [] },
      ],
    });
  });
  after(async () => {
    await served.close();
    await opened.close();
  });

  const post = (path: string, data: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    served.call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(data),
    });

  test('a call runs handler `call`, and the function never sees the proof', async () => {
    for (const path of ['/function/team-a/adder', '/function/adder.team-a']) {
      const response = await post(path, { a: 1, b: 2 });
      assert.equal(response.status, 200);
      assert.match(response.headers.get('x-duration-seconds') ?? '', /^\d+\.\d+$/);
      assert.deepEqual(await response.json(), {
        sum: 3,
        name: 'call',
        sender: { name: 'caller', verified: 'secret' },
      });
    }
  });

  test('a caller that proved itself sees message, line and log of a failure', async () => {
    const response = await post('/function/team-a/adder', { fail: true });
    assert.equal(response.status, 500);
    const body = (await response.json()) as {
      code: string;
      error: { message: string; line: number };
      log: { message: string }[];
    };
    assert.equal(body.code, 'FunctionError');
    assert.match(body.error.message, /this detail/);
    assert.equal(body.error.line, 5);
    assert.deepEqual(
      body.log.map(({ message }) => message),
      ['about to fail'],
    );
  });

  test('without the token, with another one, a foreign Host, Origin or site: refused', async () => {
    const url = `${served.calls}/function/team-a/adder`;
    const host = new URL(url).host;
    const authorization = `Bearer ${served.token}`;
    assert.equal((await rawCall(url, { host, authorization })).status, 200, 'the control');
    assert.equal((await rawCall(url, { host })).status, 401);
    assert.equal((await rawCall(url, { host, authorization: 'Bearer start-up-token-of-the-testz' })).status, 401);
    assert.equal((await rawCall(url, { host: 'evil.example', authorization })).status, 403);
    assert.equal((await rawCall(url, { host: `rebound.example:${new URL(url).port}`, authorization })).status, 403);
    assert.equal((await rawCall(url, { host, authorization, origin: 'https://evil.example' })).status, 403);
    assert.equal((await rawCall(url, { host, authorization, 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await rawCall(url, { host, authorization, 'sec-fetch-site': 'same-site' })).status, 403);
  });

  test('an unknown function is 404, one without a handler for calls 503 with what it has', async () => {
    assert.equal((await post('/function/team-a/none', {})).status, 404);
    const quiet = await post('/function/team-a/quiet', {});
    assert.equal(quiet.status, 503);
    assert.match(await quiet.text(), /the module has only/);
  });

  test('an asynchronous call is 202 with its id, and runs', async () => {
    for (const [path, headers] of [
      ['/async-function/team-a/adder', {}],
      ['/function/team-a/adder', { prefer: 'respond-async' }],
    ] as const) {
      const response = await post(path, { a: 4 }, headers);
      assert.equal(response.status, 202);
      const { id } = (await response.json()) as { id: string };
      assert.equal(response.headers.get('x-call-id'), id);
      const ran = await served.record({ id }, ({ handler, outcome }) => handler === 'call' && outcome === 'ok');
      assert.equal(ran.attempt, 1);
    }
  });

  test('a call that names a trigger has the parameters of its path, or is told the paths there are', async () => {
    const headers = { 'x-moonhook-trigger': 'show' };
    const shown = await served.call('/function/team-a/orders/team-a/orders/a%20b?x=1', { headers });
    assert.deepEqual(await shown.json(), {
      id: 'a b',
      path: '/team-a/orders/a b',
      route: '/team-a/orders/:id',
      trigger: 'show',
      x: '1',
    });
    const record = await served.record({ id: shown.headers.get('x-call-id') ?? '' });
    assert.equal(record.trigger, 'show');
    const stray = await served.call('/function/team-a/orders/orders/7', { headers });
    assert.equal(stray.status, 400);
    assert.match(await stray.text(), /trigger show has no route for \/orders\/7; it has \/team-a\/orders\/:id/);
  });

  test('a call that names a schedule is a slot of now with its data, unless the caller gives another', async () => {
    const headers = { 'x-moonhook-trigger': 'tick' };
    const tick = async (data?: unknown): Promise<readonly unknown[]> => {
      const given = data === undefined ? {} : { body: JSON.stringify(data) };
      const json = { ...headers, 'content-type': 'application/json' };
      const response = await served.call('/function/team-a/orders', { method: 'POST', headers: json, ...given });
      return (await response.json()) as readonly unknown[];
    };
    const [data, ...names] = (await tick()) as [{ region: string; scheduledTime: string }, ...unknown[]];
    assert.equal(data.region, 'eu');
    assert.ok(Math.abs(Date.parse(data.scheduledTime) - Date.now()) < 60_000, data.scheduledTime);
    assert.deepEqual(names, ['tick', 'dev.moonhook.schedule.tick', 'tick']);
    const [other] = (await tick({ region: 'us' })) as [{ region: string; scheduledTime: string }];
    assert.deepEqual([other.region, other.scheduledTime.length], ['us', 24]);
    const scheduledTime = '2026-01-31T03:00:00.000Z';
    assert.deepEqual((await tick({ scheduledTime }))[0], { scheduledTime });
    assert.deepEqual((await tick([1]))[0], [1]);
    const later = await served.call('/async-function/team-a/orders', { method: 'POST', headers });
    const { id } = (await later.json()) as { id: string };
    const ran = await served.record({ id, trigger: 'tick' }, ({ outcome }) => outcome === 'ok');
    assert.equal(ran.log?.[0]?.message, 'tick');
  });

  test('an Idempotency-Key makes a repeat the same call; with another body, and on a synchronous call, it is refused', async () => {
    const headers = { 'idempotency-key': 'order-7' };
    const first = await post('/async-function/team-a/adder', { a: 1 }, headers);
    const again = await post('/async-function/team-a/adder', { a: 1 }, headers);
    const { id } = (await first.json()) as { id: string };
    assert.equal(again.status, 202);
    assert.equal(again.headers.get('x-moonhook-duplicate-of'), id);
    const refused = await post('/function/team-a/adder', {}, headers);
    assert.equal(refused.status, 400);
    const problem = (await refused.json()) as { code: string; detail: string };
    assert.equal(problem.code, 'IdempotencyNeedsAsync');
    assert.match(problem.detail, /use \/async-function or Prefer: respond-async/);
    const other = await post('/async-function/team-a/adder', { a: 2 }, headers);
    assert.equal(other.status, 422);
    const { code, detail } = (await other.json()) as { code: string; detail: string };
    assert.equal(code, 'IdempotencyKeyReused');
    assert.equal(detail, `the call ${id} had this key and another body: take a new key`);
    const fresh = await post('/async-function/team-a/adder', { a: 2 }, { 'idempotency-key': 'order-8' });
    assert.equal(fresh.headers.get('x-moonhook-duplicate-of'), null, 'control: with a key of its own it is a call');
  });

  test('an Idempotency-Key of a dead call runs it again for the same body, and not for another one', async () => {
    const headers = { 'idempotency-key': 'order-9' };
    const send = (data: unknown): Promise<Response> => post('/async-function/team-a/adder', data, headers);
    const { id } = (await (await send({ never: true })).json()) as { id: string };
    await served.record({ id }, ({ outcome }) => outcome === 'dead');
    const generations = async (): Promise<readonly number[]> =>
      (await opened.connect().read({ namespaceUid: 'ns-team-a', eventId: id }, { limit: 10 })).map(
        ({ generation }) => generation,
      );
    assert.equal((await send({ a: 1 })).status, 422);
    assert.deepEqual(await generations(), [0]);
    const again = await send({ never: true });
    assert.deepEqual([again.status, again.headers.get('x-moonhook-duplicate-of')], [202, id]);
    assert.deepEqual(await generations(), [0, 1]);
    const { outcome, steps } = await served.record({ id: again.headers.get('x-call-id') ?? '' });
    assert.equal(outcome, 'accepted');
    assert.match(JSON.stringify(steps), /had died or was cancelled: it runs again as replay 1/);
  });

  test('a published event reaches the event triggers of its namespace that match, once', async () => {
    const publish = (id: string, type: string, source: string): Promise<Response> =>
      post(
        '/events/team-a',
        { id: 'o-1' },
        { 'ce-id': id, 'ce-type': type, 'ce-source': source, 'ce-specversion': '1.0' },
      );
    const response = await publish('e1', 'com.acme.order.created', '/shop');
    assert.equal(response.status, 202);
    assert.deepEqual(await response.json(), { id: 'e1', deliveries: 1, durable: false });
    const ran = await served.record({ id: 'e1', trigger: 'order' });
    assert.deepEqual(
      ran.log?.map(({ message }) => message),
      ['order com.acme.order.created o-1 from /shop'],
    );
    const repeated = await publish('e1', 'com.acme.order.created', '/shop');
    assert.equal(repeated.headers.get('x-moonhook-duplicate-of'), 'e1');
    const other = (await (await publish('e2', 'com.acme.order.created', '/other')).json()) as { deliveries: number };
    assert.equal(other.deliveries, 0);
  });

  test('events of the platform cannot be made by callers, and other forms are refused with a reason', async () => {
    const forged = await post('/events/team-a', {}, { 'ce-type': 'dev.moonhook.call.dead', 'ce-source': '/x' });
    assert.equal(forged.status, 400);
    const plain = await post('/events/team-a', {});
    assert.equal(plain.status, 415);
    const structured = await served.call('/events/team-a', {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({
        specversion: '1.0',
        id: 's1',
        source: '/shop',
        type: 'com.acme.order.paid',
        data: { id: 'o-2' },
      }),
    });
    assert.equal(structured.status, 202);
    assert.match((await served.record({ id: 's1', trigger: 'order' })).log?.[0]?.message ?? '', /o-2/);
  });

  const batch = (events: readonly unknown[]): Promise<Response> =>
    served.call('/events/team-a', {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: JSON.stringify(events),
    });
  const order = (id: string, more: object = {}): object => ({
    specversion: '1.0',
    id,
    source: '/shop',
    type: 'com.acme.order.paid',
    data: { id: `order ${id}` },
    ...more,
  });

  test('a batch of CloudEvents is stored as a whole, each event once', async () => {
    const sent = await batch([order('b1'), order('b2', { type: 'com.acme.nobody' }), order('b1')]);
    assert.equal(sent.status, 202);
    assert.deepEqual(await sent.json(), {
      events: [
        { id: 'b1', deliveries: 1 },
        { id: 'b2', deliveries: 0 },
        { id: 'b1', deliveries: 0, duplicateOf: 'b1' },
      ],
      durable: false,
    });
    assert.match((await served.record({ id: 'b1', trigger: 'order' })).log?.[0]?.message ?? '', /order b1/);
    const again = (await (await batch([order('b1'), order('b3')])).json()) as { events: readonly object[] };
    assert.deepEqual(again.events, [
      { id: 'b1', deliveries: 0, duplicateOf: 'b1' },
      { id: 'b3', deliveries: 1 },
    ]);
    assert.deepEqual(await (await batch([])).json(), { events: [], durable: false });
  });

  test('a dry run of an event stores nothing, and is for one event', async () => {
    const ask = (query: string, events: unknown): Promise<Response> =>
      served.call(`/events/team-a${query}`, {
        method: 'POST',
        headers: { 'content-type': `application/cloudevents${Array.isArray(events) ? '-batch' : ''}+json` },
        body: JSON.stringify(events),
      });
    const foreseen = await ask('?dryRun=All', order('dry'));
    assert.equal(foreseen.status, 200);
    const { id, dryRun, destinations } = (await foreseen.json()) as {
      id: string;
      dryRun: boolean;
      destinations: readonly { to: { trigger?: string }; receives: boolean }[];
    };
    assert.deepEqual([id, dryRun], ['dry', true]);
    assert.ok(destinations.some(({ to, receives }) => to.trigger === 'order' && receives));
    assert.equal((await ask('?dryRun=All', [order('dry'), order('dry2')])).status, 400);
    assert.equal((await ask('?dryRun=true', order('dry'))).status, 400, 'nobody who meant a dry run publishes');
    assert.equal((await ask('', order('dry'))).headers.get('x-moonhook-duplicate-of'), null, 'its id is free');
  });

  test('one bad event of a batch is named, and nothing of the batch is stored', async () => {
    for (const [bad, why] of [
      [{ type: '' }, /event 2 of 3: type is empty/],
      [{ specversion: '0.3' }, /event 2 of 3: specversion is not 1\.0/],
      [{ type: 'dev.moonhook.call.dead' }, /event 2 of 3: types below dev\.moonhook/],
      [{ data: undefined, data_base64: 7 }, /event 2 of 3: data_base64 is not a string/],
      [{ data: undefined, data_base64: '***' }, /event 2 of 3: data_base64 is not base64/],
      [{ data: undefined, data_base64: 'AAAAA' }, /event 2 of 3: data_base64 is not base64/],
      [{ data_base64: 'AA==' }, /event 2 of 3: data and data_base64 exclude each other/],
    ] as const) {
      const response = await batch([order('kept-out'), order('x', bad), order('y')]);
      assert.equal(response.status, 400);
      assert.match(((await response.json()) as { detail: string }).detail, why);
    }
    assert.equal((await batch({} as never)).status, 400);
    assert.equal((await batch(Array.from({ length: 1001 }, (_, index) => order(`many ${index}`)))).status, 400);
    // The control: had it been stored, it would be a duplicate now.
    const alone = (await (await batch([order('kept-out')])).json()) as { events: readonly object[] };
    assert.deepEqual(alone.events, [{ id: 'kept-out', deliveries: 1 }]);
  });

  test('one function calls another, and a circle ends at the hop limit', async () => {
    const response = await fetch(`${served.url}/team-a/caller`);
    assert.equal(response.status, 200);
    assert.equal((JSON.parse(await response.text()) as { sum: number }).sum, 42);
    const circle = await post('/function/team-a/caller', {});
    assert.match(await circle.text(), /more than 8 calls in a chain/);
    const chained = await fetch(`${served.url}/team-a/caller`, { headers: { 'x-moonhook-hops': '8' } });
    assert.equal(chained.status, 508);
  });
});

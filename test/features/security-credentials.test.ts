/** Credentials of requests that nobody could verify, and ids that callers choose, do no harm in records, logs and headers. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { PastEvents } from '../../src/runtime/live/past-events.ts';
import { openLiveAnswers, type LiveAnswers } from '../../src/runtime/live/open-live-answers.ts';
import { openStore, type OpenStore } from '../../src/store/open-store.ts';
import { eventually } from '../builders/eventually.ts';
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
    const response = await fetch(`${served.url}/default/open?reference=${secret}`);
    const record = await served.record({ id: response.headers.get('x-call-id') ?? '' });
    assert.equal(record.request?.target, `/default/open?reference=${secret}`);
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

suite('ids that strangers choose through a function', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1 },
      functions: [
        {
          name: 'relay',
          code: 'return function(event) return assert(events.publish(event.data.type or "com.quiet", {}, { id = event.data.id })) end',
          triggers: [{ name: 'relay', http: { path: 'relay', receiver: { open: {} } } }],
        },
        {
          name: 'bank',
          code: 'return function(event) log.info(event.id) end',
          triggers: [
            { name: 'pay', http: { path: 'pay', mode: 'async', receiver: { open: {} } } },
            { name: 'acme', event: { type: 'com.acme.*' } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(`${served.url}/default/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('do not occupy the id of the next webhook, which a caller can guess', async () => {
    const shown = (await post('pay', {})).headers.get('x-call-id') ?? '';
    const [boot = '', counter = ''] = shown.split('-');
    // Nobody listens, and each relayed request takes one id itself: so the webhooks after forty of them get some in the middle of these.
    const guesses = Array.from(
      { length: 40 },
      (_, n) => `${boot}-${(Number.parseInt(counter, 36) + 30 + n).toString(36)}`,
    );
    for (const id of guesses) assert.equal(await (await post('relay', { id })).text(), id);
    const paid: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const response = await post('pay', { count });
      assert.equal(response.headers.get('x-moonhook-duplicate-of'), null);
      paid.push(response.headers.get('x-call-id') ?? '');
    }
    assert.ok(
      paid.every((id) => guesses.includes(id)),
      'control: they were guessed',
    );
    for (const id of paid) await served.record({ trigger: 'pay', outcomes: ['ok'], id });
  });

  test('and control: an id is published once per source, and comes as it was chosen', async () => {
    assert.equal(await (await post('relay', { id: 'order#1', type: 'com.acme.relayed' })).text(), 'order#1');
    assert.equal(await (await post('relay', { id: 'order#1', type: 'com.acme.relayed' })).text(), 'order#1');
    const other = await served.call('/events/default', {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ specversion: '1.0', type: 'com.acme.x', source: '/shop', id: 'order#1' }),
    });
    assert.deepEqual(await other.json(), { id: 'order#1', deliveries: 1, durable: false });
    const last = await (await post('relay', { id: 'last', type: 'com.acme.relayed' })).text();
    await served.record({ trigger: 'acme' }, (each) => each.log?.[0]?.message === last);
    await served.record({ trigger: 'acme', outcomes: ['ok'] }, (each) => each.eventName === 'com.acme.x');
    const heard = await served.runtime.records.query({ trigger: 'acme', id: 'order#1', limit: 100 });
    assert.deepEqual(new Set(heard.map((each) => each.eventName)), new Set(['com.acme.relayed', 'com.acme.x']));
    assert.equal(heard.length, 2);
    assert.ok(heard.every((each) => each.log?.[0]?.message === 'order#1'));
  });
});

suite('credentials that a function of an open trigger checks itself', () => {
  let served: ServedFunctions;
  let store: OpenStore;
  let live: LiveAnswers;
  before(async () => {
    store = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
    const code =
      'return function(event) local q = event.request.query log.info(event.request.headers["x-api-key"] .. q.token .. q.code) return "in" end';
    served = await serveFunctions({
      store,
      settings: { workers: 1 },
      secrets: { 'sender/key': 'another-0123456789abcdef' },
      functions: [
        {
          name: 'checks',
          code,
          triggers: [
            { name: 'sync', http: { path: 'sync', receiver: { open: {} } } },
            { name: 'async', http: { path: 'async', mode: 'async', receiver: { open: {} } } },
            {
              name: 'closed',
              http: { path: 'closed', receiver: { bearer: { secretRefs: [{ name: 'sender', key: 'key' }] } } },
            },
          ],
        },
      ],
    });
    live = openLiveAnswers({
      runtime: served.runtime,
      store: store.connect(),
      callToken: served.token,
      newId: () => 'an-id',
      after: () => () => undefined,
      now: () => performance.now(),
      wall: () => Date.now(),
    });
  });
  after(async () => {
    await live.close();
    await served.close();
    await store.close();
  });

  const send = async (path: string): Promise<string> => {
    const response = await fetch(
      `${served.url}/default/${path}?token=${secret}&to%6ben=${secret}&code=${secret}&page=2`,
      {
        headers: { 'x-api-key': secret, 'x-page': '2' },
      },
    );
    await response.body?.cancel();
    return response.headers.get('x-call-id') ?? '';
  };
  const pastEvents = async (): Promise<PastEvents> => {
    const namespace = { name: 'default', uid: 'ns-default' };
    const question = { op: 'pastEvents', namespace, name: 'checks', catching: true };
    const said = await live.answer('query', question, AbortSignal.timeout(30_000));
    assert.ok(said.ok);
    return (said.body as { body: PastEvents }).body;
  };

  test('reach the function, also after they were stored, and nobody who reads records', async () => {
    for (const path of ['sync', 'async']) {
      const id = await send(path);
      const ran = await served.record({ trigger: path, outcomes: ['ok'] }, ({ log }) => log !== undefined);
      assert.equal(ran.log?.[0]?.message, secret.repeat(3), `control: ${path} saw header and query`);
      const record = await served.record({ id }, ({ kind }) => kind === 'http');
      assert.equal(record.request?.target, `/default/${path}?token=***&to%6ben=***&code=***&page=2`);
    }
  });

  test('are masked in a refused request that is recorded in full', async () => {
    const refused = await served.record({ id: await send('closed') });
    assert.equal(refused.outcome, 'unverified', JSON.stringify(refused));
    assert.ok(!JSON.stringify(refused).includes(secret), JSON.stringify(refused));
    const headers = new Map(refused.captured?.headers);
    assert.deepEqual([headers.get('x-api-key'), headers.get('x-page')], ['***', '2']);
  });

  test('are masked in events that are caught, or shown as they are stored', async () => {
    assert.ok((await pastEvents()).catching);
    const [caught, stored] = await eventually('a request of each kind is shown', async () => {
      await send('sync');
      const { events } = await pastEvents();
      const of = (name: string) => events.find(({ trigger }) => trigger === name);
      const [sync, async] = [of('sync'), of('async')];
      return sync !== undefined && async !== undefined && ([sync, async] as const);
    });
    for (const event of [caught, stored]) {
      assert.match(event.target ?? '', /code=\*\*\*/);
      assert.ok(!JSON.stringify(event).includes(secret), JSON.stringify(event));
      const headers = new Map(event.headers);
      assert.deepEqual([headers.get('x-api-key'), headers.get('x-page')], ['***', '2'], 'control: the rest is there');
      assert.match(event.target ?? '', /token=\*\*\*.*page=2/);
    }
  });
});

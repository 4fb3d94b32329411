/** `X-Callback-Url`: the result of an asynchronous call is sent where its caller asked, signed with the function's own key. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';
import { answer, startReceiver, type WebhookReceiver } from '../builders/webhook-receiver.ts';

const secret = `whsec_${Buffer.from('the key of this very function').toString('base64')}`;

suite('callbacks', () => {
  let served: ServedFunctions;
  let receiver: WebhookReceiver;
  before(async () => {
    receiver = await startReceiver();
    const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
    const callback = {
      secretRefs: [{ name: 'callback', key: 'secret' }],
      urls: ['127.0.0.1', '10.0.0.0/8', '*.example.com'],
    };
    served = await serveFunctions({
      policy: { egress },
      secrets: { 'callback/secret': secret },
      functions: [
        {
          name: 'worker',
          callback,
          retry: { schedule: ['5ms', '5ms'] },
          code: `return {
            call = function(event)
              if event.data.fail then error(fail("the detail of the error")) end
              if event.attempt < (event.data.after or 1) then error("not yet") end
              return { sum = event.data.a + event.data.b }
            end,
            job = function(event) return 201, "made " .. event.data.n, { ["content-type"] = "text/x-note" } end,
            chain = function() assert(events.publish("com.chain", {})) end,
            listen = function(event) log.info("heard " .. event.type) end,
          }`,
          triggers: [
            { name: 'job', http: { path: 'job', mode: 'async', publish: true, receiver: { open: {} }, callback } },
            { name: 'chain', http: { path: 'chain', mode: 'async', receiver: { open: {} }, callback } },
            { name: 'listen', event: { type: '*' } },
          ],
        },
        {
          name: 'without',
          code: 'return function() end',
          triggers: [{ name: 'plain', http: { path: 'plain', mode: 'async', receiver: { open: {} } } }],
        },
      ],
    });
  });
  after(async () => {
    await served.close();
    await receiver.close();
  });

  const call = (path: string, data: unknown, url: string): Promise<Response> =>
    served.call(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-callback-url': url },
      body: JSON.stringify(data),
    });
  const code = async (response: Response): Promise<unknown> => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];

  test('the result arrives signed, with the headers callers of functions know', async () => {
    const accepted = await call('/async-function/default/worker', { a: 1, b: 2, after: 2 }, `${receiver.url}/done`);
    assert.equal(accepted.status, 202);
    const [received] = await receiver.count('/done', 1);
    assert.ok(received);
    const { headers, body } = received;
    assert.deepEqual(new Webhook(secret).verify(body, headers as Record<string, string>), { sum: 3 });
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-call-id'], accepted.headers.get('x-call-id'));
    assert.deepEqual(
      [headers['x-function-name'], headers['x-function-status'], headers['x-retry'], headers['x-retry-max']],
      ['worker', '200', '1', '2'],
    );
    assert.match(String(headers['x-duration-seconds']), /^\d+\.\d{6}$/);
    const record = await served.record({ functionName: 'worker' }, ({ kind }) => kind === 'callback');
    assert.deepEqual(record.outgoing, { target: `${receiver.url}/done`, status: 204 });
  });

  test('a call that is given up calls back too, without the detail of its error', async () => {
    await call('/async-function/default/worker', { fail: true }, `${receiver.url}/failed`);
    const [received] = await receiver.count('/failed', 1);
    assert.equal(received?.headers['x-function-status'], '500');
    assert.equal(received?.headers['content-type'], 'application/problem+json');
    assert.match(received?.body ?? '', /"code":"Failed"/);
    assert.doesNotMatch(received?.body ?? '', /detail of the error/);
  });

  test('a repetition calls nobody else back; one that is dead runs again, and calls back again', async () => {
    const repeat = (data: unknown, key: string, to: string): Promise<Response> =>
      served.call('/async-function/default/worker', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          'x-callback-url': `${receiver.url}/${to}`,
        },
        body: JSON.stringify(data),
      });
    await repeat({ a: 1, b: 2 }, 'sum', 'first');
    await receiver.count('/first', 1);
    const again = await repeat({ a: 1, b: 2 }, 'sum', 'other');
    assert.ok(again.headers.has('x-moonhook-duplicate-of'));
    await repeat({ fail: true }, 'dead', 'dead');
    const [one] = await receiver.count('/dead', 1);
    await repeat({ fail: true }, 'dead', 'other');
    const two = (await receiver.count('/dead', 2)).at(-1);
    assert.notEqual(one?.headers['webhook-id'], two?.headers['webhook-id'], 'the news of another run');
    assert.equal(receiver.received.filter(({ path }) => path === '/other').length, 0);
  });

  test('an asynchronous trigger calls back once, although its event is on the bus as well', async () => {
    const response = await fetch(`${served.url}/default/job`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-callback-url': `${receiver.url}/job` },
      body: '{"n":7}',
    });
    assert.equal(response.status, 202);
    const id = response.headers.get('x-call-id') ?? '';
    await served.record({ id, trigger: 'listen' }, ({ outcome }) => outcome === 'ok');
    const [received] = await receiver.count('/job', 1);
    assert.deepEqual(
      [received?.body, received?.headers['content-type'], received?.headers['x-function-status']],
      ['made 7', 'text/x-note', '201'],
    );
    await served.record({}, ({ kind, outgoing }) => kind === 'callback' && outgoing?.target.endsWith('/job') === true);
    assert.equal(receiver.received.filter(({ path }) => path === '/job').length, 1);
  });

  test('a callback that fails is tried again like any webhook', async () => {
    receiver.on('/busy', answer(503));
    await call('/async-function/default/worker', { a: 1, b: 1 }, `${receiver.url}/busy`);
    const failed = await served.record({}, ({ kind, outcome }) => kind === 'callback' && outcome === 'error');
    assert.ok((failed.nextAttempt ?? 0) - failed.time >= 5_000);
  });

  test('a callback goes on with what is left of the chain: whoever asks for one does not begin anew', async () => {
    for (const [budget, left] of [
      ['100', '50'],
      ['1', '0'],
    ] as const) {
      const response = await fetch(`${served.url}/default/chain`, {
        method: 'POST',
        headers: { 'x-callback-url': `${receiver.url}/chain`, 'x-moonhook-budget': budget, 'x-moonhook-hops': '2' },
      });
      assert.equal(response.status, 202);
      const received = await receiver.count('/chain', budget === '100' ? 1 : 2);
      const { headers } = received.at(-1) ?? {};
      assert.deepEqual([headers?.['x-moonhook-budget'], headers?.['x-moonhook-hops']], [left, '3']);
    }
  });

  test('a URL is refused with the rule before the call is accepted', async () => {
    const path = '/async-function/default/worker';
    for (const [url, says] of [
      ['http://hooks.evil.org/x', /not among the hosts of the function's callback.urls/],
      ['http://10.1.2.3/x', /10\.1\.2\.3 is not globally reachable/],
      ['ftp://a.example.com/', /only http and https/],
      ['http://user:pass@a.example.com/', /user name or password/],
      ['nonsense', /not an absolute/],
    ] as const) {
      const response = await call(path, {}, url);
      const problem = (await response.json()) as { code: string; detail: string };
      assert.deepEqual([response.status, problem.code], [400, 'CallbackUrlRefused'], url);
      assert.match(problem.detail, says);
    }
    const none = await call('/async-function/default/without', {}, `${receiver.url}/x`);
    assert.deepEqual(await code(none), [400, 'CallbackNotConfigured']);
    const synchronous = await call('/function/default/worker', { a: 1, b: 1 }, `${receiver.url}/x`);
    assert.deepEqual(await code(synchronous), [400, 'CallbackNeedsAsync']);
    const headers = { 'content-type': 'application/json', 'x-callback-url': `${receiver.url}/x` };
    const trigger = await fetch(`${served.url}/default/plain`, { method: 'POST', headers, body: '{}' });
    assert.deepEqual(await code(trigger), [400, 'CallbackNotConfigured']);
    assert.equal(receiver.received.filter(({ path: at }) => at === '/x').length, 0);
  });
});

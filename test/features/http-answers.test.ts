/** What callers of the public listener get: routes, results as answers, failures as problem+json. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };

suite('answers of the public listener', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      functions: [
        {
          name: 'shop',
          namespace: 'team-a',
          code: `
            return {
              items = function(event)
                local r = event.request
                return { method = r.method, id = r.params.id, path = r.path, route = r.route, q = r.query.q, all = r.query_all.q,
                         name = event.name, trigger = event.trigger, data = event.data }
              end,
              nothing = function() end,
              text = function() return "plain" end,
              made = function() return { status = 201, headers = { ["X-Made"] = "yes", ["Set-Cookie"] = "a=b", ["Connection"] = "close" }, json = { ok = true } } end,
              three = function() return 418, "teapot", { ["x-pot"] = "tea" } end,
              fails = function() log.info("before"); error("secret detail") end,
              wide = function(event) return { headers = { ["x-wide"] = "ü" }, body = event.request.query.body } end,
              odd = function() return { status = 200, oops = 1 } end,
              stop = function() pcall(function() exit(202, "bye") end) return "never" end,
              slow = function() sleep(5) end,
              burns = function() while true do end end,
              grows = function() local t = {} while true do t[#t + 1] = string.rep("x", 65536) .. #t end end,
              small = function(event) return tostring(#event.body) end,
            }`,
          triggers: [
            { name: 'items', http: { path: 'items/:id', methods: ['GET', 'PUT'], receiver: open } },
            ...['nothing', 'text', 'made', 'three', 'fails', 'wide', 'odd', 'stop'].map((name) => ({
              name,
              http: { path: name, receiver: open },
            })),
            { name: 'slow', limits: { timeout: '50ms' }, http: { path: 'slow', receiver: open } },
            { name: 'burns', limits: { cpuTime: '20ms' }, http: { path: 'burns', receiver: open } },
            { name: 'grows', limits: { memory: '4Mi' }, http: { path: 'grows', receiver: open } },
            { name: 'small', limits: { requestBody: '1Ki' }, http: { path: 'small', receiver: open } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${served.url}/team-a/${path}`, init);

  test('a route gives its parameters, its query and its pattern to the handler', async () => {
    const response = await get('items/a%20b?q=1&q=2');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.match(response.headers.get('x-call-id') ?? '', /^c[0-9a-z]+-/);
    assert.deepEqual(await response.json(), {
      method: 'GET',
      id: 'a b',
      path: '/team-a/items/a b',
      route: '/team-a/items/:id',
      q: '1',
      all: ['1', '2'],
      name: 'request',
      trigger: 'items',
    });
  });

  test('a declared JSON body arrives decoded', async () => {
    const response = await get('items/7', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"a":[1,{"b":null}]}',
    });
    const { data } = (await response.json()) as { data: unknown };
    assert.deepEqual(data, { a: [1, {}] });
  });

  test('a declared JSON body that does not parse is 400 and never reaches Lua', async () => {
    const response = await get('items/7', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"a":',
    });
    assert.equal(response.status, 400);
    assert.equal(((await response.json()) as { code: string }).code, 'BodyInvalid');
    const record = await served.record({ id: response.headers.get('x-call-id') ?? '' });
    assert.equal(record.cpuMs, undefined);
  });

  test('compressed JSON is refused as that, and a body that says it is as it is, is read', async () => {
    const put = (coding: string, body: Uint8Array): Promise<Response> =>
      get('items/7', {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'content-encoding': coding },
        body: Buffer.from(body),
      });
    const packed = await put('gzip', gzipSync('{"a":1}'));
    assert.deepEqual([packed.status, packed.headers.get('accept-encoding')], [415, 'identity']);
    const { code, detail } = (await packed.json()) as { code: string; detail: string };
    assert.equal(code, 'UnsupportedMediaType');
    assert.match(detail, /none is decoded here: send it uncompressed/);
    const plain = await put('identity', Buffer.from('{"a":1}'));
    assert.deepEqual(((await plain.json()) as { data: unknown }).data, { a: 1 });
  });

  test('results become answers', async () => {
    const nothing = await get('nothing');
    assert.equal(nothing.status, 204);
    assert.equal(nothing.headers.get('content-length'), null);
    const text = await get('text');
    assert.deepEqual([text.status, await text.text()], [200, 'plain']);
    const made = await get('made');
    assert.deepEqual([made.status, await made.json()], [201, { ok: true }]);
    assert.equal(made.headers.get('x-made'), 'yes');
    const three = await get('three');
    assert.deepEqual([three.status, await three.text(), three.headers.get('x-pot')], [418, 'teapot', 'tea']);
    const stop = await get('stop');
    assert.deepEqual([stop.status, await stop.text()], [202, 'bye']);
  });

  test('a header beyond ASCII arrives as its bytes, whatever the body is', async () => {
    for (const body of ['plain', 'ä and more', 'x'.repeat(600)]) {
      const response = await get(`wide?body=${encodeURIComponent(body)}`);
      const name = Buffer.from(response.headers.get('x-wide') ?? '', 'latin1').toString();
      assert.deepEqual([name, await response.text()], ['ü', body]);
    }
  });

  test('HEAD gets the headers of GET and no body', async () => {
    const response = await get('text', { method: 'HEAD' });
    assert.deepEqual([response.status, await response.text()], [200, '']);
    assert.equal(response.headers.get('content-length'), '5');
  });

  test('an unknown path is 404, a wrong method 405 with Allow, a path that is not canonical 400', async () => {
    const missing = await get('missing');
    assert.equal(missing.status, 404);
    assert.match(missing.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.equal(((await missing.json()) as { code: string }).code, 'RouteNotFound');
    const wrong = await get('items/1', { method: 'DELETE' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'GET, HEAD, PUT');
    for (const path of ['items/a%2Fb', 'items//1', 'items/%zz']) {
      const response = await get(path);
      assert.equal(response.status, 400, path);
      assert.equal(((await response.json()) as { code: string }).code, 'PathInvalid');
    }
  });

  test('the call listener has none of these routes, and the public one no calls', async () => {
    assert.equal((await served.call('/team-a/text')).status, 404);
    assert.equal((await fetch(`${served.url}/function/team-a/shop`)).status, 404);
    assert.equal((await fetch(`${served.url}/metrics`)).status, 404);
  });

  test('an error is an opaque 500 for the sender and told in the record', async () => {
    const response = await get('fails');
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.doesNotMatch(text, /secret detail|before/);
    const { code, callId } = JSON.parse(text) as { code: string; callId: string };
    assert.equal(code, 'FunctionError');
    const record = await served.record({ id: callId });
    assert.match(record.error?.message ?? '', /secret detail/);
    assert.deepEqual(
      record.log?.map(({ message }) => message),
      ['before'],
    );
  });

  test('a result that is no response is a 500 that says what is wrong in the record', async () => {
    const response = await get('odd');
    assert.equal(response.status, 500);
    const { code, callId } = (await response.json()) as { code: string; callId: string };
    assert.equal(code, 'ResponseInvalid');
    assert.match((await served.record({ id: callId })).detail ?? '', /status = 200/);
  });

  test('time, CPU and memory limits end a call with their own codes and outcomes', async () => {
    const cases = [
      ['slow', 504, 'CallTimeout', 'timeout'],
      ['burns', 500, 'CpuExceeded', 'cpu'],
      ['grows', 500, 'MemoryExceeded', 'memory'],
    ] as const;
    for (const [path, status, code, outcome] of cases) {
      const response = await get(path);
      assert.equal(response.status, status, path);
      const body = (await response.json()) as { code: string; callId: string };
      assert.equal(body.code, code);
      assert.equal((await served.record({ id: body.callId })).outcome, outcome);
    }
  });

  test('a body over the limit is 413 whether its length is announced or not', async () => {
    const announced = await get('small', { method: 'POST', body: 'x'.repeat(1025) });
    assert.equal(announced.status, 413);
    const chunks = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 3; index += 1) controller.enqueue(new Uint8Array(512));
        controller.close();
      },
    });
    const streamed = await get('small', { method: 'POST', body: chunks, duplex: 'half' });
    assert.equal(streamed.status, 413);
    const fits = await get('small', { method: 'POST', body: 'x'.repeat(1024) });
    assert.deepEqual([fits.status, await fits.text()], [200, '1024']);
  });
});

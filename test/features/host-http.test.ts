/** Outgoing requests as a function makes them: options, answers, errors, and what the guard refuses. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hostBench, localEgress, upstream, type Upstream } from '../builders/host-engine.ts';

const servers: Upstream[] = [];
const echo = await upstream();
const odd = await upstream((request, response) => {
  switch (request.url ?? '') {
    case '/busy':
      response.writeHead(429, { 'retry-after': '7' }).end('slow down');
      return;
    case '/busy-until':
      response.writeHead(503, { 'retry-after': new Date(2_000_000 + 90_000).toUTCString() }).end();
      return;
    case '/cookies':
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], via: ['x', 'y'] }).end('plain');
      return;
    case '/large':
      response.end(Buffer.alloc(5 * 1024 * 1024));
      return;
    case '/never':
      return;
    case '/binary':
      response.end(Buffer.from([0, 255, 254, 0]));
      return;
    default:
      response.writeHead(302, { location: `${echo.url}/echo` }).end();
  }
});
servers.push(echo, odd);
const bench = await hostBench({
  egress: localEgress([`127.0.0.1:${echo.port}`, `127.0.0.1:${odd.port}`]),
  now: () => 2_000_000,
});
const env = { ECHO: echo.url, ODD: odd.url };
after(async () => {
  assert.deepEqual(bench.defects, []);
  await bench.close();
  for (const server of servers) await server.close();
});

const value = async (body: string): Promise<unknown> => bench.value(body, { env });
const error = async (body: string): Promise<string> => bench.error(body, { env });

test('query, headers, json and auth arrive', async () => {
  assert.equal(
    await value(`
      local r = assert(http.post(env.ECHO .. "/a?x=1#frag", {
        query = { b = "c d", n = 5 }, headers = { ["X-One"] = "1", ["X-Two"] = { "a", "b" } },
        json = { text = "ü", list = json.array() }, auth = { user = "ada", password = "pw" } }))
      local d = r.json()
      assert(r.status == 200 and r.headers["X-METHOD"] == "POST", "status and header")
      assert(d.query.x == "1" and d.query.b == "c d" and d.query.n == "5", "query")
      assert(d.headers["x-one"] == "1" and d.headers["x-two"] == "a, b", "headers")
      assert(d.headers["content-type"] == "application/json" and json.decode(d.body).text == "ü" and d.body:find('"list":[]', 1, true), d.body)
      assert(d.headers.authorization == "Basic " .. base64.encode("ada:pw"), "auth")
      assert(d.headers["x-moonhook-hops"] == "1", "hops")
      return "ok"`),
    'ok',
  );
});

test('form and body have their types, a content type of the function wins', async () => {
  assert.equal(
    await value(`
      local f = http.put(env.ECHO, { form = { a = "1 2", b = { "x", "y" } } }).json()
      assert(f.method == "PUT" and f.body == "a=1+2&b=x&b=y" and f.headers["content-type"] == "application/x-www-form-urlencoded")
      local j = http.request({ method = "patch", url = env.ECHO, json = 5.0, headers = { ["content-type"] = "application/merge-patch+json" } }).json()
      assert(j.method == "PATCH" and j.body == "5" and j.headers["content-type"] == "application/merge-patch+json")
      local b = http.post(env.ECHO, { body = "a\\0b" }).json()
      assert(#b.body == 3)
      return http.head(env.ECHO).headers["x-method"]`),
    'HEAD',
  );
});

test('expect turns other answers into an error with status, retry_after and body', async () => {
  assert.equal(
    await value(`
      local r, err = http.get(env.ODD .. "/busy", { expect = "2xx" })
      assert(r == nil and err.status == 429 and err.retry_after == 7 and err.body == "slow down")
      assert(tostring(err):find("answered 429") and ("failed: " .. err):find("^failed: GET http"))
      local _, later = http.get(env.ODD .. "/busy-until", { expect = 200 })
      assert(later.retry_after == 90, later.retry_after)
      assert(http.get(env.ODD .. "/busy").status == 429, "without expect any answer is an answer")
      assert(http.get(env.ECHO .. "/status/404", { expect = { 200, 404 } }).status == 404)
      return "ok"`),
    'ok',
  );
});

test('an uncaught http error keeps what a retry needs', async () => {
  const result = await bench.run('return function() assert(http.get(env.ODD .. "/busy", { expect = "2xx" })) end', {
    env,
  });
  assert.ok(result.kind === 'error');
  assert.match(result.error.message, /answered 429/);
  assert.ok(result.error.value instanceof Map);
  assert.equal(result.error.value.get('retry_after'), 7);
});

test('a response without JSON answers nil and an error, bytes stay bytes, repeated headers are lists', async () => {
  assert.equal(
    await value(`
      local r = http.get(env.ODD .. "/cookies")
      local data, err = r.json()
      assert(data == nil and err.message:find("not JSON") and err.message:find("line 1, column 1"), err.message)
      assert(r.headers_all["Set-Cookie"][2] == "b=2" and r.headers["set-cookie"] == "a=1" and r.headers.via == "x, y")
      assert(http.get(env.ODD .. "/binary").body == "\\0\\255\\254\\0")
      return "ok"`),
    'ok',
  );
});

test('a response that is returned as it is has only the fields of a result', async () => {
  const returned = await value('return http.get(env.ODD .. "/cookies")');
  assert.ok(returned instanceof Map);
  assert.deepEqual([...returned.keys()].map(String).toSorted(), ['body', 'headers', 'status']);
});

test('redirects are followed, counted and reported', async () => {
  assert.equal(
    await value(`
      local r = http.get(env.ODD .. "/moved", { auth = { bearer = "secret" } })
      assert(r.url == env.ECHO .. "/echo", r.url)
      assert(r.json().headers.authorization == nil, "the other origin gets no credentials")
      assert(http.get(env.ODD .. "/moved", { redirects = 0 }).status == 302)
      return "ok"`),
    'ok',
  );
});

test('what the guard refuses is an error that names the rule', async () => {
  for (const [url, rule] of [
    ['http://169.254.169.254/latest/meta-data/', 'address'],
    ['http://127.0.0.1:1/', 'port'],
    ['http://127.0.0.1:9999/', 'address'],
    ['http://0x7f.1:9999/', 'address'],
    ['http://[::ffff:10.0.0.1]/', 'address'],
    ['file:///etc/passwd', 'scheme'],
    ['/relative', 'url'],
    ['http://user:pw@example.com/', 'credentials'],
  ]) {
    assert.equal(
      await value(`local r, err = http.get(${JSON.stringify(url)}) assert(r == nil) return err.rule`),
      rule,
      url,
    );
  }
  assert.equal(
    await value('local r, err = http.get(env.ECHO, { headers = { Host = "internal" } }) return err.rule'),
    'header',
  );
  assert.equal(
    await value('local r, err = http.get(env.ECHO, { headers = { ["Webhook-Signature"] = "x" } }) return err.rule'),
    'header',
  );
  assert.equal(
    await value('local r, err = http.request({ method = "TRACE", url = env.ECHO }) return err.rule'),
    'method',
  );
});

test('a URL that names no server is named in the error, without what may be secret in it', async () => {
  for (const [url, message] of [
    [
      'localhost:3000',
      'GET "localhost:3000": "localhost:" is not allowed: only http and https are, and a URL begins with them',
    ],
    ['hooks.example.com/services/s3cret?token=s3cret', 'GET "hooks.example.com": the URL is not an absolute http'],
    ['ada:s3cret@example.com', 'GET "example.com": "ada:" is not allowed'],
    ['', 'GET "": the URL is not an absolute http or https URL'],
  ]) {
    const told = await value(`local r, err = http.get(${JSON.stringify(url)}) return err.message`);
    assert.equal(String(told).slice(0, message?.length), message);
    assert.ok(!String(told).includes('s3cret'));
  }
});

test("the function's list is exclusive", async () => {
  const strict = await hostBench({ egress: localEgress(['127.0.0.1'], ['hooks.slack.com']) });
  try {
    const refused = await strict.value('local r, err = http.get(env.ECHO) return err.rule .. ": " .. err', { env });
    assert.ok(typeof refused === 'string');
    assert.match(refused, /^host: .*not in the function's egress\.allow/);
  } finally {
    await strict.close();
  }
});

test('errors never show credentials of the URL or headers', async () => {
  const shown = await value(`
    local _, err = http.get("http://127.0.0.1:9999/hooks/T0/SECRET?token=SECRET", { headers = { Authorization = "SECRET" } })
    return inspect(err)`);
  assert.doesNotMatch(String(shown), /SECRET/);
  assert.match(String(shown), /127\.0\.0\.1:9999/);
});

test('the record of a call shows method, origin and status, never path or query', async () => {
  const result = await bench.run('return function() http.get(env.ECHO .. "/hooks/SECRET?key=SECRET") end', { env });
  assert.deepEqual(
    result.usage.hostCalls.map(({ name, summary, ok }) => ({ name, summary, ok })),
    [{ name: 'http.get', summary: `GET ${echo.url} 200`, ok: true }],
  );
});

test('the record of a call that answered nil and an error is not ok', async () => {
  const result = await bench.run('return function() http.get("http://10.0.0.1/x") http.get(env.ECHO) end', { env });
  assert.deepEqual(
    result.usage.hostCalls.map(({ ok }) => ok),
    [false, true],
  );
});

test('misuse raises at the line that did it, with what is known', async () => {
  for (const [body, message] of [
    ['http.get()', /hook:2: bad argument #1 to 'get' \(string expected, got no value\)/],
    ['http.get("http://x", { jsn = 1 })', /unknown option "jsn"; known are query, headers, json/],
    ['http.get("http://x", { json = 1, body = "x" })', /only one of json, form and body/],
    ['http.get("http://x", { timeout = -1 })', /timeout must be a number of seconds/],
    ['http.get("http://x", { redirects = 99 })', /redirects must be an integer from 0 to 10/],
    ['http.get("http://x", { expect = "ok" })', /expect must be/],
    ['http.get("http://x", { auth = "x" })', /auth must be/],
    ['http.get("http://x", { json = { f = print } })', /a function cannot be passed on/],
    ['http.get("http://x", { json = 0/0 })', /NaN has no JSON form/],
    ['http.get("http://x", { query = { a = {{}} } })', /query: the parameter "a"/],
    ['http.request({ method = "GET" })', /url is missing/],
    ['http.request("http://x")', /table expected, got string/],
  ] as const) {
    assert.match(await error(body), message, body);
  }
});

test('an answer over 4 MiB and a slow one end as errors', async () => {
  assert.match(String(await value('local r, err = http.get(env.ODD .. "/large") return err.rule')), /size/);
  assert.match(
    String(await value('local r, err = http.get(env.ODD .. "/never", { timeout = 0.05 }) return err.message')),
    /within 50 ms/,
  );
});

test('bytes that arrive count against the memory of the call', async () => {
  const big = await upstream((_, response) => response.end(Buffer.alloc(3 * 1024 * 1024)));
  servers.push(big);
  const roomy = await hostBench({ egress: localEgress([`127.0.0.1:${big.port}`]) });
  try {
    const code = `return function()
      local function get() return #assert(http.get(env.BIG)).body end
      return parallel(get, get, get, get, get, get)
    end`;
    const parts = { env: { BIG: big.url } };
    const small = await roomy.run(code, { ...parts, limits: { memoryBytes: 8 * 1024 * 1024 } });
    assert.equal(small.kind, 'memory');
    const large = await roomy.run(code, { ...parts, limits: { memoryBytes: 64 * 1024 * 1024 } });
    assert.equal(large.kind, 'ok');
  } finally {
    await roomy.close();
  }
});

test('a call that ends closes its sockets', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const hanging = await upstream((request) => request.on('close', () => resolve()));
  servers.push(hanging);
  const own = await hostBench({ egress: localEgress([`127.0.0.1:${hanging.port}`]) });
  try {
    const result = await own.run('return function() http.get(env.URL) end', {
      env: { URL: hanging.url },
      limits: { timeoutMs: 1500 },
    });
    assert.ok(result.kind === 'timeout' || result.kind === 'ok', result.kind);
    await closed;
  } finally {
    await own.close();
  }
});

test('requests in parallel overlap', async () => {
  let open = 0;
  let most = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const gate = await upstream((_, response) => {
    open += 1;
    most = Math.max(most, open);
    if (open === 5) resolve();
    void all.then(() => response.end('x'));
  });
  servers.push(gate);
  const own = await hostBench({ egress: localEgress([`127.0.0.1:${gate.port}`]) });
  try {
    const code =
      'local function g() return http.get(env.URL).body end return table.concat({ parallel(g, g, g, g, g) })';
    assert.equal(await own.value(code, { env: { URL: gate.url } }), 'xxxxx');
    assert.equal(most, 5);
  } finally {
    await own.close();
  }
});

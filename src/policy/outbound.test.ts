import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, Socket, type AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { parseEgressGrant, parseEgressPattern, type EffectiveEgress } from './egress.ts';
import { createOutboundGuard, type OutboundGuard, type OutboundGuardOptions } from './outbound.ts';
import type { OutboundRequest, OutboundResult } from './outbound-types.ts';

const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers) await close();
});

async function serve(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

function guardWith(options: OutboundGuardOptions = {}): OutboundGuard {
  const guard = createOutboundGuard(options);
  closers.push(async () => guard.close());
  return guard;
}

function egress(given: { grants?: readonly string[]; allow?: readonly string[] } = {}): EffectiveEgress {
  return {
    installation: {
      grants: (given.grants ?? []).flatMap((text) => {
        const parsed = parseEgressGrant(text, { local: true });
        assert.ok(parsed.ok, text);
        return parsed.value;
      }),
      denied: [],
      local: true,
    },
    ...(given.allow === undefined
      ? {}
      : {
          allow: given.allow.map((text) => {
            const parsed = parseEgressPattern(text);
            assert.ok(parsed.ok, text);
            return parsed.value;
          }),
        }),
  };
}

async function send(
  guard: OutboundGuard,
  rules: EffectiveEgress,
  request: Partial<OutboundRequest> & { readonly url: string },
  namespaceUid = 'ns-a',
): Promise<OutboundResult> {
  return guard.outboundFor({ namespaceUid, egress: rules }).send({
    method: 'GET',
    headers: [],
    timeoutMs: 30_000,
    maxRedirects: 5,
    maxResponseBytes: 1_000_000,
    signal: new AbortController().signal,
    ...request,
  });
}

function refusedBy(result: OutboundResult): string | undefined {
  assert.ok(!result.ok, 'expected a refusal');
  return result.rule;
}

function textOf(result: OutboundResult): string {
  assert.ok(result.ok, JSON.stringify(result));
  return Buffer.from(result.response.body).toString();
}

test('a granted target is reached with method, headers and body', async () => {
  const { port } = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('X-Seen', `${request.method} ${String(request.headers['x-a'])} ${request.headers['host']}`);
      response.end(Buffer.concat(chunks));
    });
  });
  const result = await send(guardWith(), egress({ grants: [`127.0.0.1:${port}`] }), {
    url: `http://127.0.0.1:${port}/x`,
    method: 'POST',
    headers: [['x-a', '1']],
    body: Buffer.from('ping'),
  });
  assert.equal(textOf(result), 'ping');
  assert.deepEqual(result.ok && result.response.headers.get('x-seen'), [`POST 1 127.0.0.1:${port}`]);
});

test('loopback in every written form is refused without a connection, and reached with a grant', async () => {
  let connections = 0;
  const { port, server } = await serve((_, response) => response.end('hit'));
  server.on('connection', () => (connections += 1));
  const guard = guardWith({ resolve: async () => ['127.0.0.1'] });
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::ffff:127.0.0.1]',
    'name.example',
    '[::1]',
    'localhost',
    '0.0.0.0',
  ]) {
    assert.equal(refusedBy(await send(guard, egress(), { url: `http://${host}:${port}/` })), 'address', host);
  }
  assert.equal(connections, 0);
  assert.equal(
    textOf(await send(guard, egress({ grants: [`127.0.0.1:${port}`] }), { url: `http://127.1:${port}/` })),
    'hit',
  );
  assert.equal(connections, 1);
});

test('one bad address among the answers of a lookup refuses the request', async () => {
  const guard = guardWith({ resolve: async () => ['8.8.8.8', '10.0.0.1'] });
  const refused = await send(guard, egress(), { url: 'http://mixed.example/' });
  assert.equal(refusedBy(refused), 'address');
  assert.equal(!refused.ok && refused.byLookup, true, 'the next lookup may answer otherwise');
  // What is written as an address, or can be nothing else, is refused for good.
  for (const url of ['http://10.0.0.1/', 'http://localhost/']) {
    const fixed = await send(guard, egress(), { url });
    assert.deepEqual([refusedBy(fixed), !fixed.ok && fixed.byLookup], ['address', undefined], url);
  }
});

test('a name outside of the list is not even looked up', async () => {
  const asked: string[] = [];
  const guard = guardWith({
    resolve: async (host) => {
      asked.push(host);
      return ['10.0.0.1'];
    },
  });
  const rules = egress({ allow: ['good.example'] });
  assert.equal(refusedBy(await send(guard, rules, { url: 'http://secret-data.evil.example/' })), 'host');
  assert.deepEqual(asked, []);
  assert.equal(refusedBy(await send(guard, rules, { url: 'http://good.example./' })), 'address');
  assert.deepEqual(asked, ['good.example']);
});

test('rebinding: a connection that leads elsewhere than the checked address gets no byte', async () => {
  const bytes: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('data', (chunk) => {
      bytes.push(chunk);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret');
    });
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  // The lookup says 8.8.8.8 and passes; the network brings the connection to loopback.
  const guard = guardWith({
    resolve: async () => ['8.8.8.8'],
    dial: () => connect({ host: '127.0.0.1', port }),
  });
  for (const url of ['http://rebind.example/', 'https://rebind.example/', 'http://8.8.8.8/']) {
    const closed = once(server, 'connection').then(([socket]) => closeOf(socket as Socket));
    assert.equal(refusedBy(await send(guard, egress(), { url })), 'connected-address', url);
    await closed;
  }
  assert.equal(Buffer.concat(bytes).length, 0);

  // Control: the same wire without the rebinding delivers the secret, so the test could have noticed.
  const open = guardWith({ resolve: async () => ['127.0.0.1'], dial: () => connect({ host: '127.0.0.1', port }) });
  assert.equal(
    textOf(await send(open, egress({ grants: ['127.0.0.1:80'] }), { url: 'http://rebind.example/' })),
    'secret',
  );
  assert.ok(Buffer.concat(bytes).length > 0);
});

test('each hop of a redirect is checked again', async () => {
  const { port } = await serve((request, response) => {
    const to = new URL(request.url ?? '/', 'http://x').searchParams.get('to');
    if (to === null) response.end('arrived');
    else response.writeHead(302, { location: to }).end();
  });
  const grants = [`127.0.0.1:${port}`];
  const guard = guardWith({ resolve: async () => ['127.0.0.1'] });
  const start = (to: string): string => `http://127.0.0.1:${port}/?to=${encodeURIComponent(to)}`;
  assert.equal(textOf(await send(guard, egress({ grants }), { url: start('/') })), 'arrived');
  for (const [to, rule] of [
    ['http://169.254.169.254/latest/', 'address'],
    [`http://127.0.0.2:${port}/`, 'address'],
    ['ftp://127.0.0.1/', 'scheme'],
    ['http://user:pw@127.0.0.1/', 'credentials'],
    ['http://127.0.0.1:22/', 'port'],
  ] as const) {
    assert.equal(refusedBy(await send(guard, egress({ grants }), { url: start(to) })), rule, to);
  }
  const listed = egress({ grants, allow: ['a.example'] });
  assert.equal(
    refusedBy(
      await send(guard, listed, {
        url: `http://a.example:${port}/?to=${encodeURIComponent(`http://b.example:${port}/`)}`,
      }),
    ),
    'host',
  );
  assert.equal(
    refusedBy(await send(guard, egress({ grants }), { url: start(start('/')), maxRedirects: 1 })),
    'redirect',
  );
  const raw = await send(guard, egress({ grants }), { url: start('/'), maxRedirects: 0 });
  assert.equal(raw.ok && raw.response.status, 302);
});

test('credentials do not follow a redirect to another origin', async () => {
  const seen: (string | undefined)[] = [];
  const second = await serve((request, response) => {
    seen.push(request.headers.authorization, request.headers['x-api-key'] as string | undefined);
    response.end();
  });
  const first = await serve((request, response) => {
    const port = request.url === '/same' ? first.port : second.port;
    if (request.url === '/end') {
      seen.push(request.headers.authorization);
      response.end();
    } else response.writeHead(302, { location: `http://127.0.0.1:${port}/end` }).end();
  });
  const rules = egress({ grants: ['127.0.0.1'] });
  const headers = [
    ['authorization', 'Bearer s'],
    ['x-api-key', 'k'],
  ] as const;
  const guard = guardWith();
  await send(guard, rules, { url: `http://127.0.0.1:${first.port}/other`, headers });
  assert.deepEqual(seen.splice(0), [undefined, undefined]);
  await send(guard, rules, { url: `http://127.0.0.1:${first.port}/same`, headers });
  assert.deepEqual(seen, ['Bearer s']);
});

test('the proxy variables of the environment are not used', async () => {
  let proxied = 0;
  const proxy = await serve((_, response) => {
    proxied += 1;
    response.end('proxy');
  });
  const target = await serve((_, response) => response.end('direct'));
  const before = { ...process.env };
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'])
    process.env[name] = `http://127.0.0.1:${proxy.port}`;
  process.env['NODE_USE_ENV_PROXY'] = '1';
  try {
    const result = await send(guardWith(), egress({ grants: ['127.0.0.1'] }), {
      url: `http://127.0.0.1:${target.port}/`,
    });
    assert.equal(textOf(result), 'direct');
  } finally {
    process.env = before;
  }
  assert.equal(proxied, 0);
  // Control: an agent that does read the environment goes through the proxy.
  const { EnvHttpProxyAgent, request } = await import('undici');
  const agent = new EnvHttpProxyAgent({ httpProxy: `http://127.0.0.1:${proxy.port}`, noProxy: '', proxyTunnel: false });
  const answer = await request(`http://127.0.0.1:${target.port}/`, { dispatcher: agent });
  assert.equal(await answer.body.text(), 'proxy');
  await agent.destroy();
});

test('a pooled connection of one namespace or policy never serves a stricter one', async () => {
  const { port, server } = await serve((_, response) => response.end('ok'));
  let connections = 0;
  server.on('connection', () => (connections += 1));
  const guard = guardWith({ resolve: async () => ['127.0.0.1'] });
  const open = egress({ grants: [`127.0.0.1:${port}`] });
  const url = `http://a.example:${port}/`;
  for (let i = 0; i < 6; i += 1) assert.equal(textOf(await send(guard, open, { url })), 'ok');
  const kept = connections;
  assert.ok(kept < 6, 'connections are kept alive');
  assert.equal(refusedBy(await send(guard, egress(), { url })), 'address');
  assert.equal(
    refusedBy(await send(guard, egress({ grants: [`127.0.0.1:${port}`], allow: ['b.example'] }), { url })),
    'host',
  );
  assert.equal(textOf(await send(guard, open, { url }, 'ns-b')), 'ok');
  assert.equal(connections, kept + 1, 'another namespace has its own connections');
});

test('a changed lookup leads to the new address although a connection is open', async () => {
  const one = await serve((_, response) => response.end('one'));
  let answers = ['127.0.0.1'];
  let now = 0;
  const guard = guardWith({ resolve: async () => answers, now: () => now });
  const rules = egress({ grants: [`127.0.0.1:${one.port}`] });
  const url = `http://moving.example:${one.port}/`;
  assert.equal(textOf(await send(guard, rules, { url })), 'one');
  answers = ['10.0.0.1'];
  now += 10_000;
  assert.equal(refusedBy(await send(guard, rules, { url })), 'address');
});

test('large bodies, announced or streamed, end at the cap', async () => {
  const { port } = await serve((request, response) => {
    if (request.url === '/announced') response.setHeader('content-length', 2_000_000);
    const chunk = Buffer.alloc(64_000);
    const write = (): void => {
      if (response.destroyed) return;
      response.write(chunk, () => setImmediate(write));
    };
    write();
    response.on('error', () => undefined);
  });
  const rules = egress({ grants: ['127.0.0.1'] });
  for (const path of ['announced', 'endless']) {
    assert.equal(refusedBy(await send(guardWith(), rules, { url: `http://127.0.0.1:${port}/${path}` })), 'size', path);
  }
});

test('compressed answers are decoded, bombs end at the cap', async () => {
  const zeros = Buffer.alloc(50_000_000);
  const bodies = new Map([
    ['gzip', gzipSync('hello')],
    ['deflate', deflateSync('hello')],
    ['br', brotliCompressSync('hello')],
    ['gzip-bomb', gzipSync(zeros)],
    ['broken', Buffer.from('not gzip at all')],
  ]);
  const { port } = await serve((request, response) => {
    const name = (request.url ?? '').slice(1);
    if (name === 'nothing' || name === 'no-content') {
      response
        .writeHead(name === 'nothing' ? 200 : 204, {
          'content-encoding': 'gzip',
          ...(name === 'nothing' ? { 'content-length': 0 } : {}),
        })
        .end();
      return;
    }
    const encoding = name === 'gzip-bomb' || name === 'broken' ? 'gzip' : name === 'double' ? 'gzip, gzip' : name;
    response.setHeader('content-encoding', encoding);
    response.end(bodies.get(name) ?? gzipSync(gzipSync('x')));
  });
  const rules = egress({ grants: ['127.0.0.1'] });
  const get = async (name: string): Promise<OutboundResult> =>
    send(guardWith(), rules, { url: `http://127.0.0.1:${port}/${name}` });
  for (const name of ['gzip', 'deflate', 'br']) assert.equal(textOf(await get(name)), 'hello', name);
  for (const name of ['nothing', 'no-content']) assert.equal(textOf(await get(name)), '', name);
  assert.equal(refusedBy(await get('gzip-bomb')), 'size');
  assert.equal(refusedBy(await get('broken')), 'encoding');
  assert.equal(refusedBy(await get('double')), 'encoding');
  assert.equal(refusedBy(await get('zstd')), 'encoding');
});

/** A connection that is cut while bytes are under way is reset: closed as well. */
function closeOf(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

test('slow headers and slow bodies end at the timeout and close the socket', async () => {
  const { port, server } = await serve((request, response) => {
    if (request.url === '/body') {
      response.write('a');
      const drip = setInterval(() => response.write('a'), 10);
      response.on('close', () => clearInterval(drip));
    }
  });
  const rules = egress({ grants: ['127.0.0.1'] });
  for (const path of ['headers', 'body']) {
    const closed = once(server, 'connection').then(([socket]) => closeOf(socket as Socket));
    const result = await send(guardWith(), rules, { url: `http://127.0.0.1:${port}/${path}`, timeoutMs: 500 });
    assert.ok(!result.ok);
    assert.match(result.message, /within 500 ms/);
    assert.equal(result.rule, undefined);
    await closed;
  }
});

test('an aborted call closes its socket, also while it still connects', async () => {
  const { port, server } = await serve(() => undefined);
  const rules = egress({ grants: ['127.0.0.1'] });
  const control = new AbortController();
  const connected = once(server, 'connection');
  const guard = guardWith();
  const pending = send(guard, rules, { url: `http://127.0.0.1:${port}/`, signal: control.signal });
  const [socket] = (await connected) as [Socket];
  const closed = once(socket, 'close');
  control.abort();
  const result = await pending;
  assert.ok(!result.ok);
  assert.match(result.message, /call has ended/);
  await closed;

  // A connection that is never established is given up with the call.
  const hanging = new AbortController();
  const never = guardWith({
    resolve: async () => ['127.0.0.1'],
    dial: () => {
      queueMicrotask(() => hanging.abort());
      return new Socket();
    },
  });
  const given = await send(never, egress({ grants: ['127.0.0.1'] }), {
    url: 'http://slow.example/',
    signal: hanging.signal,
  });
  assert.equal(given.ok, false);
  assert.equal(never.pools, 0);
});

test('the next address is tried when one refuses', async () => {
  const { port } = await serve((_, response) => response.end('second'));
  const guard = guardWith({ resolve: async () => ['127.0.0.9', '127.0.0.1'] });
  const result = await send(guard, egress({ grants: [`127.0.0.0/8:${port}`] }), { url: `http://two.example:${port}/` });
  assert.equal(textOf(result), 'second');
});

test('network failures say what happened without addresses', async () => {
  const { port, server } = await serve(() => undefined);
  server.close();
  await once(server, 'close');
  const guard = guardWith({
    resolve: async (host) => {
      if (host === 'missing.example') throw Object.assign(new Error('x'), { code: 'ENOTFOUND' });
      return ['127.0.0.1'];
    },
  });
  const refused = await send(guard, egress({ grants: ['127.0.0.1'] }), { url: `http://name.example:${port}/` });
  assert.ok(!refused.ok);
  assert.equal(refused.message, 'the connection was refused');
  const missing = await send(guard, egress(), { url: 'http://missing.example/' });
  assert.ok(!missing.ok);
  assert.match(missing.message, /missing\.example cannot be resolved/);
});

test('an answer that costs the thread much is read over many turns, and comes whole', async () => {
  const page = Buffer.alloc(500_000, 'x');
  const { port } = await serve((_request, response) => void response.end(page));
  const read = async (perLook: number): Promise<number> => {
    let now = 0;
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    const guard = guardWith({ now: () => (now += perLook) });
    const result = await send(guard, egress({ grants: ['127.0.0.1'] }), { url: `http://127.0.0.1:${port}/` });
    over = true;
    assert.ok(result.ok && Buffer.from(result.response.body).equals(page));
    return turns;
  };
  // Each look at the clock is 3 ms later: a piece a turn.
  const costly = await read(3);
  assert.ok(costly > 300, `${costly} turns`);
  const cheap = await read(0);
  assert.ok(cheap < costly, `control: ${cheap} turns`);
});

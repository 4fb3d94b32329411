/** What the internet may send to the public listener: nothing that two readers take differently, nothing that holds memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const pageBytes = 3 * 1024 * 1024;

/** A reset is a way to close. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

suite('the public listener', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1, inbound: { ...runtimeDefaults.inbound, sendTimeoutMs: 1_500 } },
      functions: [
        {
          name: 'seen',
          code: `
            local page = ("x"):rep(3 * 1024 * 1024)
            return {
              echo = function(event) return table.concat({ event.request.method, event.request.host, event.body }, " ") end,
              page = function() return page end,
              whole = function(event)
                local r = event.request
                return table.concat({ r.host, r.headers.host, r.path, r.query.a }, " ")
              end,
            }`,
          triggers: [
            { name: 'echo', http: { path: 'echo', receiver: open } },
            { name: 'page', http: { path: 'page', receiver: open } },
            { name: 'whole', http: { path: 'whole', receiver: open } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  /** Sends bytes, and answers everything that came back until the other side closed. */
  async function raw(text: string): Promise<string> {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.write(Buffer.from(text, 'latin1'));
    await closeOf(socket);
    return Buffer.concat(chunks).toString('latin1');
  }
  const request = (first: string, headers: readonly string[] = ['Host: one.example'], body = ''): Promise<string> =>
    raw([first, ...headers, 'Connection: close', '', body].join('\r\n'));

  test('control: an ordinary request over the same bare socket is answered', async () => {
    assert.match(await request('GET /default/echo HTTP/1.1'), /^HTTP\/1\.1 200 [^]*GET one\.example $/);
    const posted = await request('POST /default/echo HTTP/1.1', ['Host: [::1]:80', 'Content-Length: 3'], 'abc');
    assert.match(posted, /^HTTP\/1\.1 200 [^]*POST \[::1\]:80 abc$/);
    const chunks = ['Host: one.example', 'Transfer-Encoding: Chunked'];
    const chunked = await request('POST /default/echo HTTP/1.1', chunks, '3\r\nabc\r\n0\r\n\r\n');
    assert.match(chunked, /^HTTP\/1\.1 200 [^]*POST one\.example abc$/);
  });

  for (const [name, first, headers, body] of [
    ['two Host headers', 'GET /default/echo HTTP/1.1', ['Host: one.example', 'hOST: two.example'], ''],
    ['a Host that is none', 'GET /default/echo HTTP/1.1', ['Host: one.example/path@two'], ''],
    ['no Host', 'GET /default/echo HTTP/1.1', [], ''],
    ['a whole URL and no Host', 'GET http://one.example/default/echo HTTP/1.1', [], ''],
    [
      'a whole URL and two Host headers',
      'GET http://one.example/default/echo HTTP/1.1',
      ['Host: one.example', 'Host: one.example'],
      '',
    ],
    ['a URL with a user name', 'GET http://one.example@two.example/default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['a URL without a host', 'GET http:///default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['a URL with a port alone', 'GET http://:80/default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['a URL of another scheme', 'GET ftp://one.example/default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['a URL of https over http', 'GET https://one.example/default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['a URL with a fragment', 'GET http://one.example/default/echo#x HTTP/1.1', ['Host: one.example'], ''],
    ['a URL that is not canonical', 'GET http://one.example//default/echo HTTP/1.1', ['Host: one.example'], ''],
    ['the method TRACE', 'TRACE /default/echo HTTP/1.1', ['Host: one.example', 'Cookie: a=b'], ''],
    [
      'two lengths',
      'POST /default/echo HTTP/1.1',
      ['Host: one.example', 'Content-Length: 1', 'Content-Length: 2'],
      'ab',
    ],
    [
      'a length and chunks',
      'POST /default/echo HTTP/1.1',
      ['Host: one.example', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      '0\r\n\r\n',
    ],
    [
      'chunks that are not the last encoding',
      'POST /default/echo HTTP/1.1',
      ['Host: one.example', 'Transfer-Encoding: chunked, identity'],
      '0\r\n\r\n',
    ],
    [
      'an encoding below the chunks',
      'POST /default/echo HTTP/1.1',
      ['Host: one.example', 'Transfer-Encoding: gzip, chunked'],
      '3\r\nabc\r\n0\r\n\r\n',
    ],
    [
      'chunks in HTTP/1.0',
      'POST /default/echo HTTP/1.0',
      ['Host: one.example', 'Transfer-Encoding: chunked'],
      '3\r\nabc\r\n0\r\n\r\n',
    ],
    ['a request line without a version', 'GET /default/echo', ['Host: one.example'], ''],
    [
      'a length in the trailer',
      'POST /default/echo HTTP/1.1',
      ['Host: one.example', 'Transfer-Encoding: chunked'],
      '1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n',
    ],
    ['a folded header', 'GET /default/echo HTTP/1.1', ['Host: one.example', 'X-A: b', ' c'], ''],
    ['a space before the colon', 'GET /default/echo HTTP/1.1', ['Host : one.example'], ''],
    ['a control character in the target', 'GET /default/echo\u001b[2J HTTP/1.1', ['Host: one.example'], ''],
  ] as const) {
    test(`refuses ${name} with 400`, async () => {
      const answer = await request(first, headers, body);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.doesNotMatch(answer, /default\/echo|one\.example|a=b/, 'nothing of the request comes back');
    });
  }

  test('takes a whole URL as its target: its host counts, and nobody sees the one in the Host line', async () => {
    for (const [line, version] of [
      ['Host: two.example', '1.1'],
      ['Host: two.example', '1.0'],
      ['X-No-Host: 1', '1.0'],
    ] as const) {
      const answer = await request(`GET HTTP://One.example:81/default/whole?a=b HTTP/${version}`, [line]);
      assert.match(answer, /^HTTP\/1\.1 200 [^]*One\.example:81 One\.example:81 \/default\/whole b$/);
    }
    const plain = await request('GET /default/whole?a=b HTTP/1.1', ['Host: two.example']);
    assert.match(plain, /two\.example two\.example \/default\/whole b$/, 'control: a path goes by the Host line');
    // Without a path it is `/`, which nobody has mounted here.
    for (const target of ['http://one.example', 'http://one.example?a=/default/whole']) {
      assert.match(await request(`GET ${target} HTTP/1.1`), /^HTTP\/1\.1 404 [^]*"code":"RouteNotFound"/);
    }
  });

  test('answers a missing host and an unknown expectation as it answers every failure', async () => {
    const nowhere = await request('GET /default/echo HTTP/1.1', []);
    assert.match(nowhere, /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*"detail":"there is no Host header"/);
    const expecting = await request('GET /default/echo HTTP/1.1', ['Host: one.example', 'Expect: tea']);
    assert.match(expecting, /^HTTP\/1\.1 417 [^]*application\/problem\+json[^]*"code":"ExpectationFailed"/);
    const old = await request('GET /default/echo HTTP/1.0', ['Expect: tea']);
    assert.match(old, /^HTTP\/1\.1 200 /, 'control: HTTP/1.0 needs no host and knows no expectation');
  });

  test('does not become a tunnel or another protocol', async () => {
    assert.equal(await request('CONNECT 127.0.0.1:22 HTTP/1.1'), '');
    for (const protocol of ['websocket', 'h2c']) {
      const answer = await request('GET /default/echo HTTP/1.1', ['Host: one.example', `Upgrade: ${protocol}`]);
      assert.doesNotMatch(answer, /^HTTP\/1\.1 101/);
    }
  });

  test('a body that was refused unread is not taken for the next request', async () => {
    const hidden = 'GET /default/echo HTTP/1.1\r\nHost: smuggled\r\n\r\n';
    const length = `Content-Length: ${2 * 1024 * 1024}`;
    const answer = await raw(`POST /default/echo HTTP/1.1\r\nHost: one.example\r\n${length}\r\n\r\n${hidden}`);
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
    assert.doesNotMatch(answer, /smuggled/);
  });

  /** The head of a second request comes in one piece with the first, its body in another. */
  async function inTwoPieces(first: readonly string[]): Promise<string> {
    const hidden = 'GET /default/echo HTTP/1.1\r\nHost: smuggled\r\nConnection: close\r\n\r\n';
    const head = ['POST /default/echo HTTP/1.1', 'Host: one.example', `Content-Length: ${hidden.length}`];
    const socket = connect({ port: Number(new URL(served.url).port), host: '127.0.0.1', noDelay: true });
    const closed = closeOf(socket);
    let answers = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (text: string) => {
      if (answers === '') socket.write(hidden);
      answers += text;
      // The control: whoever is not closed has had both answers.
      if (answers.split('HTTP/1.1 200').length === 3) socket.end();
    });
    socket.write([...first, '', ...head, '', ''].join('\r\n'));
    await closed;
    return answers;
  }

  test('the body of a request behind one that offers another protocol is not taken for a request', async () => {
    const line = 'GET /default/echo HTTP/1.1';
    for (const protocol of ['websocket', 'h2c']) {
      const offer = [line, 'Host: one.example', 'Connection: Upgrade', `Upgrade: ${protocol}`];
      const answers = await inTwoPieces(offer);
      assert.match(answers, /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*GET one\.example $/);
      assert.equal(answers.match(/HTTP\/1\.1 200/g)?.length, 1);
    }
    const control = await inTwoPieces([line, 'Host: one.example']);
    assert.match(control, /GET one\.exampl[^]*POST one\.example GET \/default\/echo/);
  });

  test('gives up a client that does not take its answers, and control: serves one that does', async () => {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = closeOf(socket);
    // More than the buffers of both kernels hold.
    const requests = 20;
    socket.write('GET /default/page HTTP/1.1\r\nHost: one.example\r\n\r\n'.repeat(requests));
    await once(socket, 'readable');
    // Nothing is read; what is written fails once the other side has closed, and does not keep it waiting until then.
    const began = performance.now();
    while (!socket.destroyed) {
      const answer = await fetch(`${served.url}/default/page`);
      assert.equal((await answer.text()).length, pageBytes);
      socket.write('\r\n');
      assert.ok(performance.now() - began < 20_000, 'a client that takes nothing is kept');
    }
    await closed;
    assert.ok(socket.bytesRead < requests * pageBytes, `${socket.bytesRead} bytes were taken`);

    const patient = connect(Number(new URL(served.url).port), '127.0.0.1');
    patient.write('GET /default/page HTTP/1.1\r\nHost: one.example\r\n\r\n'.repeat(requests));
    let read = 0;
    for await (const chunk of patient) {
      read += (chunk as Buffer).length;
      if (read > requests * pageBytes) break;
    }
    assert.ok(read > requests * pageBytes, 'all answers came');
  });
});

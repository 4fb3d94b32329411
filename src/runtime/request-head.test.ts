import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { LeanRequest } from './lean-request.ts';
import { firstOf, RequestHead } from './request-head.ts';

/** What each field of the head is in Node's own table. */
const fields: readonly (readonly [keyof RequestHead, string])[] = [
  ['host', 'host'],
  ['expect', 'expect'],
  ['contentLength', 'content-length'],
  ['transferEncoding', 'transfer-encoding'],
  ['contentType', 'content-type'],
  ['forwardedFor', 'x-forwarded-for'],
  ['hops', 'x-moonhook-hops'],
  ['budget', 'x-moonhook-budget'],
  ['callId', 'x-call-id'],
  ['traceparent', 'traceparent'],
  ['serviceWorker', 'service-worker'],
  ['upgrade', 'upgrade'],
];
const others = ['accept-encoding', 'x-forwarded-fox', 'x-real-ip', 'cookie', 'upgrade-insecure', 'x', '__proto__'];
const anyCase = (name: string): fc.Arbitrary<string> => fc.mixedCase(fc.constant(name));
const name = fc.constantFrom(...fields.map(([, header]) => header), ...others).chain(anyCase);
const lines = fc.array(fc.tuple(name, fc.constantFrom('', '0', 'a', 'b', 'a, b', 'B;c')), { maxLength: 12 });

suite('the head of a request', () => {
  let tables: readonly [RequestHead, IncomingHttpHeaders, readonly string[]][] = [];
  const server = createServer({ IncomingMessage: LeanRequest, requireHostHeader: false }, (request, response) => {
    request.handOver();
    tables = [...tables, [request.head, request.headers, request.rawHeaders]];
    response.end();
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  /** Sends the bytes and answers all that comes back. */
  async function send(text: string): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.write(text);
    await once(socket, 'close');
    return answer;
  }

  test("says what Node's own table says, whatever comes in whatever case and how often", async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (sent) => {
        tables = [];
        const bodiless = sent.filter(([header]) => !/^(content-length|transfer-encoding)$/i.test(header));
        const text = bodiless.map(([header, value]) => `${header}: ${value}\r\n`).join('');
        await send(`GET / HTTP/1.1\r\n${text}Connection: close\r\n\r\n`);
        const [[head, table, raw] = []] = tables;
        assert.ok(head !== undefined && table !== undefined && raw !== undefined, text);
        for (const [field, header] of fields) assert.equal(head[field], table[header], `${header} of ${text}`);
        assert.equal(head.hosts, bodiless.filter(([header]) => header.toLowerCase() === 'host').length);
        for (const [header] of bodiless) {
          const first = bodiless.find(([other]) => other.toLowerCase() === header.toLowerCase());
          assert.equal(firstOf(raw, header.toLowerCase()), first?.[1]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('knows whether a body is announced', () => {
    assert.equal(new RequestHead(['Host', 'a', 'Content-Length', '0']).hasNoBody, true);
    assert.equal(new RequestHead(['content-length', '1']).hasNoBody, false);
    assert.equal(new RequestHead(['Transfer-Encoding', 'chunked']).hasNoBody, false);
  });
});

suite("Node's server with a request whose table is not made", () => {
  const server = createServer(
    { IncomingMessage: LeanRequest, optimizeEmptyRequests: true },
    (request: LeanRequest, response) => {
      request.handOver();
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      const answer = (): unknown => response.end(`${request.headers['x-name'] as string} ${body}`);
      if (request.head.hasNoBody) answer();
      else request.on('end', answer);
    },
  );
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  for (const [what, sent, expected] of [
    ['answers one without a body', 'GET / HTTP/1.1\r\nHost: a\r\nX-Name: n\r\n', /^HTTP\/1\.1 200 [^]*n $/],
    ['refuses one without a host', 'GET / HTTP/1.1\r\nX-Name: n\r\n', /^HTTP\/1\.1 400 /],
    ['answers one of HTTP/1.0', 'GET / HTTP/1.0\r\nX-Name: n\r\n', /^HTTP\/1\.1 200 [^]*n $/],
    ['reads a body of known length', 'POST / HTTP/1.1\r\nHost: a\r\nX-Name: n\r\nContent-Length: 3\r\n', /n abc$/],
    [
      'reads a body in chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nX-Name: n\r\nTransfer-Encoding: chunked\r\n',
      /^HTTP\/1\.1 200 [^]*n abc$/,
    ],
    [
      'says that a body may come',
      'POST / HTTP/1.1\r\nHost: a\r\nX-Name: n\r\nExpect: 100-continue\r\nContent-Length: 3\r\n',
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*n abc$/,
    ],
    ['refuses another expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n', /^HTTP\/1\.1 417 /],
  ] as const) {
    test(what, async () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
      const body = sent.includes('chunked') ? '3\r\nabc\r\n0\r\n\r\n' : sent.includes('Content-Length') ? 'abc' : '';
      socket.write(`${sent}Connection: close\r\n\r\n${body}`);
      await once(socket, 'close');
      assert.match(answer, expected);
    });
  }
});

/** What one sender can take: rate, concurrency, bytes, headers, time; and that others are answered meanwhile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };

function portOf(url: string): number {
  return Number(new URL(url).port);
}

async function openSocket(url: string): Promise<Socket> {
  const socket = connect(portOf(url), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Everything the other side says until it closes. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

suite('limits', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: {
        workers: 2,
        inbound: {
          ...runtimeDefaults.inbound,
          headersTimeoutMs: 400,
          requestTimeoutMs: 800,
          headerCount: 50,
          readingBytesPerAddress: 64 * 1024,
        },
      },
      functions: [
        {
          name: 'limited',
          code: `
            return {
              rate = function() return "ok" end,
              keyed = function() return "ok" end,
              one = function() sleep(0.3) return "ok" end,
              body = function(event) return tostring(#event.body) end,
              quick = function() return "quick" end,
            }`,
          limits: { concurrency: 40 },
          triggers: [
            { name: 'rate', http: { path: 'rate', receiver: open, rate: { requests: 3, per: '1m' } } },
            {
              name: 'keyed',
              http: {
                path: 'keyed',
                receiver: open,
                rate: { requests: 1, per: '1m', key: 'event.request.headers["x-user"]' },
              },
            },
            { name: 'one', http: { path: 'one', receiver: open, concurrency: { limit: 1 } } },
            { name: 'body', http: { path: 'body', receiver: open } },
            { name: 'quick', http: { path: 'quick', receiver: open } },
          ],
        },
        {
          name: 'narrow',
          code: 'return function() sleep(0.3) return "ok" end',
          limits: { concurrency: 2 },
          triggers: [{ name: 'web', http: { path: 'narrow', receiver: open } }],
        },
      ],
    });
  });
  after(() => served.close());
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${served.url}/default/${path}`, init);

  test('a rate holds over all workers and says when to come again', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 6; index += 1) {
      const response = await get('rate', { headers: { connection: 'close' } });
      statuses.push(response.status);
      if (response.status !== 429) continue;
      assert.ok(Number(response.headers.get('retry-after')) >= 1);
      assert.equal(((await response.json()) as { code: string }).code, 'RateLimited');
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429]);
  });

  test('a key gives each value a rate of its own, and nil none', async () => {
    const as = async (user?: string): Promise<number> =>
      (await get('keyed', { headers: user === undefined ? {} : { 'x-user': user } })).status;
    assert.deepEqual([await as('a'), await as('a'), await as('b')], [200, 429, 200]);
    assert.deepEqual([await as(), await as(), await as()], [200, 200, 200]);
  });

  test('the concurrency of a trigger and of a function turn the excess away at once', async () => {
    const ones = await Promise.all([1, 2, 3].map(() => get('one', { headers: { connection: 'close' } })));
    assert.deepEqual(
      ones.map(({ status }) => status).sort((a, b) => a - b),
      [200, 429, 429],
    );
    const narrow = await Promise.all([1, 2, 3, 4].map(() => get('narrow', { headers: { connection: 'close' } })));
    assert.deepEqual(
      narrow.map(({ status }) => status).sort((a, b) => a - b),
      [200, 200, 429, 429],
    );
    const again = await get('one');
    assert.equal(again.status, 200, 'the place is given back');
  });

  test('a header that is too long is 431, and so are too many', async () => {
    const long = await openSocket(served.url);
    long.write(`GET /default/quick HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`);
    assert.match(await readAll(long), /^HTTP\/1\.1 431 .*HeadersTooLarge/s);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-h${index}`, 'v']));
    const response = await get('quick', { headers: many });
    assert.equal(response.status, 431);
  });

  test('headers that do not end in time, and a body that does not, are 408; others are answered meanwhile', async () => {
    const half = await openSocket(served.url);
    half.write('GET /default/quick HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const body = await openSocket(served.url);
    body.write('POST /default/body HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc');
    const silent = await openSocket(served.url);
    const answers = Promise.all([readAll(half), readAll(body), readAll(silent)]);
    assert.equal((await get('quick')).status, 200);
    const [halfAnswer, bodyAnswer] = await answers;
    assert.match(halfAnswer, /^HTTP\/1\.1 408 /);
    assert.match(bodyAnswer, /^HTTP\/1\.1 408 |^$/);
  });

  test('garbage is 400 with a code and the connection closed', async () => {
    const socket = await openSocket(served.url);
    socket.write('NOT HTTP AT ALL\r\n\r\n');
    assert.match(await readAll(socket), /^HTTP\/1\.1 400 .*RequestInvalid/s);
  });

  test('bodies being read are capped per address', async () => {
    const hold = await openSocket(served.url);
    hold.write(`POST /default/body HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n${'x'.repeat(70_000)}`);
    assert.match(await readAll(hold), /^HTTP\/1\.1 429 .*Overloaded/s);
    const fits = await get('body', { method: 'POST', body: 'x'.repeat(1000) });
    assert.deepEqual([fits.status, await fits.text()], [200, '1000']);
  });

  test('a sender that goes away midway is recorded as cancelled', async () => {
    const socket = await openSocket(served.url);
    socket.write('POST /default/body HTTP/1.1\r\nhost: gone\r\ncontent-length: 100\r\n\r\nabc');
    const record = served.record({ outcomes: ['cancelled'] }, ({ request }) => request?.host === 'gone');
    socket.destroy();
    assert.equal((await record).trigger, 'body');
  });
});

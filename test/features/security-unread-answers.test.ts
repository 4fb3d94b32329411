/** What clients do not take off our hands, and connections they only keep: neither holds memory or places without a bound. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, suite, test } from 'node:test';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const pageBytes = 3 * 1024 * 1024;
/** Of a connection: more than the buffers of both kernels hold. */
const pages = 8;
const MiB = 1024 * 1024;

suite('the public listener', () => {
  let served: ServedFunctions;
  const sockets: Socket[] = [];
  before(async () => {
    const inbound = { unreadBytesPerAddress: 50 * MiB, unreadBytes: 80 * MiB, connections: 60 };
    served = await serveFunctions({
      settings: { workers: 1, inbound: { ...runtimeDefaults.inbound, ...inbound } },
      functions: [
        {
          name: 'page',
          code: `local page = ("x"):rep(${pageBytes}) return function() sleep(0.2) return page end`,
          triggers: [{ name: 'web', http: { path: 'page', receiver: { open: {} } } }],
        },
      ],
    });
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.splice(0).map(async (socket) => socket.closed || once(socket, 'close')));
  });
  after(() => served.close());

  async function open(localAddress: string): Promise<Socket> {
    const socket = connect({ port: Number(new URL(served.url).port), host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }
  /** Asks for pages and takes none of them: when the first bytes are there, all answers have been written. */
  async function askAndStand(localAddress: string): Promise<Socket> {
    const socket = await open(localAddress);
    socket.write('GET /default/page HTTP/1.1\r\nHost: one.example\r\n\r\n'.repeat(pages));
    // Given up before its first bytes, it closes.
    const closed = new Promise((resolve) => void socket.once('close', resolve));
    await Promise.race([once(socket, 'readable').catch(() => undefined), closed]);
    return socket;
  }
  /** No call runs any more: every answer has been written, or its connection given up. */
  async function allAnswered(): Promise<void> {
    while ((await served.metric('function_inflight{namespace="default",function="page"}')) > 0);
  }
  /** Reads what is left; answers whether all pages came. */
  async function readPages(socket: Socket): Promise<boolean> {
    if (socket.closed) return false;
    let read = 0;
    const whole = Promise.withResolvers<boolean>();
    socket.once('close', () => whole.resolve(read > pages * pageBytes));
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > pages * pageBytes) whole.resolve(true);
    });
    return whole.promise;
  }
  const wholePages = async (standing: readonly Socket[]): Promise<number> =>
    (await Promise.all(standing.map(readPages))).filter(Boolean).length;

  test('makes room for a new client when others only keep their connections', async () => {
    const idle: Socket[] = [];
    for (let index = 0; index < 60; index += 1) {
      const socket = await open('127.0.0.2');
      socket.write('HEAD /default/none HTTP/1.1\r\nHost: one.example\r\n\r\n');
      await once(socket, 'data');
      idle.push(socket);
    }
    const closed = Promise.all(idle.map((socket) => once(socket, 'close')));
    // The connection that finds no place ends; then there is room.
    const attempt = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ port: Number(new URL(served.url).port), host: '127.0.0.1' });
        sockets.push(socket);
        socket.once('data', () => resolve(true));
        socket.on('error', () => undefined);
        socket.once('close', () => resolve(false));
        socket.write('HEAD /default/none HTTP/1.1\r\nHost: one.example\r\n\r\n');
      });
    let tries = 1;
    while (!(await attempt())) {
      tries += 1;
      assert.ok(tries < 20, 'no place was made');
    }
    assert.ok(tries > 1, 'control: all places were taken');
    await closed;
  });

  test('gives up answers of a client that takes none, above a cap, and serves others on', async () => {
    const hostile: Socket[] = [];
    for (let index = 0; index < 10; index += 1) hostile.push(await askAndStand('127.0.0.2'));
    const other = await askAndStand('127.0.0.3');
    await allAnswered();
    const kept = await wholePages(hostile);
    assert.ok(kept <= 6, `${kept} connections of one client were kept`);
    assert.ok(kept >= 1, 'control: those below the cap were');
    assert.ok(await readPages(other), 'nothing of another client is given up');
  });

  test('gives up answers of many clients that take none, above a cap for all', async () => {
    const hostile: Socket[] = [];
    for (let index = 0; index < 12; index += 1) hostile.push(await askAndStand(`127.0.1.${1 + (index % 6)}`));
    await allAnswered();
    const kept = await wholePages(hostile);
    assert.ok(kept <= 8, `${kept} connections were kept`);
    assert.ok(kept >= 1, 'control: those below the cap were');
    assert.equal((await (await fetch(`${served.url}/default/page`)).text()).length, pageBytes);
  });
});

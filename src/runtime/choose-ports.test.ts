/** Addresses that cannot be listened on: each is told with what to do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runtimeDefaults } from '../settings/runtime-settings.ts';
import { choosePorts } from './choose-ports.ts';

const here = '127.0.0.1';
const settings = runtimeDefaults;
const listening = { public: { host: here, port: 0 }, calls: { host: here, port: 0 }, admin: { host: here, port: 0 } };

test('a port that is taken is told with the option to change, whichever it is', async (context) => {
  const server = createServer().listen(0, here);
  context.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const [own, option] of [
    ['public', 'port'],
    ['calls', 'call-port'],
    ['admin', 'admin-port'],
  ] as const) {
    const taken = { ...settings, ...listening, [own]: { host: here, port } };
    await assert.rejects(choosePorts(taken), {
      message: `cannot listen on ${here}:${port}: another process listens there; stop it or choose another with --${option}`,
    });
  }
  const free = await choosePorts({ ...settings, ...listening });
  assert.deepEqual([free.publicPort, free.callsPort], [0, 0]);
});

test('an address that is not of this machine is told before any thread starts', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): nobody has it.
  for (const port of [0, 8080]) {
    const elsewhere = { ...settings, ...listening, public: { host: '192.0.2.7', port } };
    await assert.rejects(choosePorts(elsewhere), {
      message: `cannot listen on 192.0.2.7:${port}: no interface of this machine has that address; choose another host`,
    });
  }
});

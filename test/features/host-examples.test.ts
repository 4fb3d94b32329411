/** Every example of the catalogue runs and does what it says. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createCatalogue, listEntries } from '../../src/host/catalogue.ts';
import { hostBench, localEgress, upstream } from '../builders/host-engine.ts';

const server = await upstream();
const bench = await hostBench({
  egress: localEgress([`127.0.0.1:${server.port}`]),
  caller: async (name, data) =>
    name === 'greeter' && data instanceof Map
      ? { ok: true, status: 200, headers: {}, body: Buffer.from(JSON.stringify({ hello: data.get('name') })) }
      : { ok: false, message: 'missing', status: 404 },
});
after(async () => {
  await bench.close();
  await server.close();
});

for (const entry of listEntries(createCatalogue())) {
  test(`the example of ${entry.name} runs`, async () => {
    // Each example is a function of its own, so that what it stores is its own.
    const result = await bench.run(entry.example, {
      name: entry.name.replaceAll(/[._]/g, '-'),
      env: { API: server.url },
    });
    assert.ok(result.kind === 'ok' || result.kind === 'exit', 'error' in result ? result.error.message : '');
    assert.deepEqual(bench.defects, []);
  });
}

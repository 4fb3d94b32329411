/** What a worker delivers at once is shared by namespaces: one whose calls all wait leaves places to the others. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { serveFunctions } from '../builders/serve-functions.ts';
import { startReceiver } from '../builders/webhook-receiver.ts';

const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
const settings = { workers: 1, asynchronous: { ...runtimeDefaults.asynchronous, running: 10 } };

test('calls of a namespace that all wait leave places: those of another run, and it is said why the rest waits', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const held: ServerResponse[] = [];
  receiver.on('/slow', (response) => void held.push(response));
  const loud = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
    name,
    namespace: 'loud',
    code: `return { call = function() http.get("${receiver.url}/slow") end }`,
  }));
  const quiet = { name: 'short', namespace: 'quiet', code: 'return { call = function() log.info("ran") end }' };
  const served = await serveFunctions({ functions: [...loud, quiet], policy: { egress }, settings });
  t.after(() => served.close());
  const call = async (path: string): Promise<string> => {
    const response = await served.call(`/async-function/${path}`, { method: 'POST' });
    assert.equal(response.status, 202);
    return ((await response.json()) as { id: string }).id;
  };
  const ids: string[] = [];
  for (let round = 0; round < 4; round += 1) for (const { name } of loud) ids.push(await call(`loud/${name}`));
  await receiver.count('/slow', 8);
  for (let round = 0; round < 3; round += 1) {
    const id = await call('quiet/short');
    await served.record({ id }, ({ outcome }) => outcome === 'ok');
  }
  const destinations = ['loud/a', 'quiet/short'].map((name) => `ns-${name}/handler:call`);
  const { reasons } = await served.runtime.resting(destinations);
  const full = 'its namespace has as many deliveries at work here as it may';
  assert.deepEqual(reasons, { [destinations[0] as string]: full });
  assert.equal(held.length, 8, 'control: all but two places are taken while those ran');
  receiver.on('/slow', (response) => void response.writeHead(204).end());
  for (const response of held) response.writeHead(204).end();
  for (const id of ids) await served.record({ id }, ({ outcome }) => outcome === 'ok');
});

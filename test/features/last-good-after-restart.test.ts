/** The last good code outlives the process: a runtime that starts anew serves it, under the newest gates, where the code is bad. */
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions, type FunctionUnderTest, type ServedFunctions } from '../builders/serve-functions.ts';

const store = await openStore({ path: ':memory:', onLost: () => undefined });
after(() => store.close());
const connection = store.connect();
const scope = { namespaceUid: 'ns-default', space: '.good-code' };
const rows = (): Promise<readonly string[]> => connection.list(scope, '', 100);

const secrets = { 'hook/secret': 'f'.repeat(32) };
let running: ServedFunctions | undefined;
afterEach(endRuntime);

/** Ends the process before, if there was one, and starts the next on the same store. */
async function nextRuntime(functions: readonly FunctionUnderTest[], keepsGoodCode = true): Promise<ServedFunctions> {
  await endRuntime();
  running = await serveFunctions({ store, keepsGoodCode, functions, secrets });
  return running;
}

async function endRuntime(): Promise<void> {
  const last = running;
  running = undefined;
  await last?.close();
}

const hook = (code: string, path = 'hook'): FunctionUnderTest => ({
  name: 'hook',
  code,
  modules: [{ name: 'words', code: 'return { good = "good" }' }],
  triggers: [{ name: 'web', http: { path, receiver: { open: {} } } }],
});
const good = hook('return function() return require("words").good end');
const bad = hook('retrun 1');

async function answer(served: ServedFunctions, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${served.url}/default${path}`, init);
  return `${response.status} ${response.status === 200 ? await response.text() : ''}`.trim();
}

test('a runtime that starts with bad code serves the code that was good, and says which', async () => {
  const first = await nextRuntime([]);
  const [said] = await first.serve(good);
  assert.equal(await answer(first, '/hook'), '200 good');

  const second = await nextRuntime([]);
  const [acknowledgement] = await second.serve(bad);
  assert.equal(acknowledgement?.accepted, false);
  assert.equal(acknowledgement.reason, 'LuaSyntax');
  assert.equal(await answer(second, '/hook'), '200 good');
  assert.ok(said?.accepted);
  assert.equal(acknowledgement.servingRevision, said.revision);
});

test('without the row nothing answers: the control', async () => {
  const runtime = await nextRuntime([bad], false);
  assert.equal(await answer(runtime, '/hook'), '503');
  await endRuntime();
});

test('gates are never old: a route or a receiver that is new holds for the old code, too', async () => {
  const moved = hook('retrun 1', 'moved');
  const [trigger] = moved.triggers ?? [];
  assert.ok(trigger?.http);
  const guarded: FunctionUnderTest = {
    ...moved,
    triggers: [
      { name: 'web', http: { path: 'moved', receiver: { bearer: { secretRefs: [{ name: 'hook', key: 'secret' }] } } } },
    ],
  };
  const runtime = await nextRuntime([guarded]);
  assert.equal(await answer(runtime, '/hook'), '404');
  assert.equal(await answer(runtime, '/moved'), '401');
  const authorization = `Bearer ${'f'.repeat(32)}`;
  assert.equal(await answer(runtime, '/moved', { headers: { authorization } }), '200 good');
  await endRuntime();
});

test('one row for each function: the newest good code takes the place of the one before', async () => {
  const runtime = await nextRuntime([good]);
  await runtime.serve(hook('return function() return "newer" end'));
  await endRuntime();
  assert.equal((await rows()).length, 1);
  const next = await nextRuntime([bad]);
  assert.equal(await answer(next, '/hook'), '200 newer');
});

test('the row goes with its function', async () => {
  const runtime = await nextRuntime([good]);
  await runtime.serve();
  await endRuntime();
  assert.deepEqual(await rows(), []);
});

test('a row that cannot be read is none', async () => {
  await nextRuntime([good]);
  await endRuntime();
  const [key = ''] = await rows();
  await connection.write([{ scope, key, change: { kind: 'set', value: Buffer.from('{"revision":1}') } }], []);
  const next = await nextRuntime([bad]);
  assert.equal(await answer(next, '/hook'), '503');
});

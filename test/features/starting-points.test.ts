/** Every starting point, written into a folder that is served, is live or says which secret it waits for. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFunction } from '../../src/cli/create-function.ts';
import { startingPoints } from '../../src/cli/starting-points.ts';
import { eventually } from '../builders/eventually.ts';
import { startLocal } from '../builders/local-run.ts';

/** What waits for a key that only the sender has. */
const waiting = new Set(['receiver:discord', 'receiver:httpSignature']);

test('all of them serve', async (t) => {
  const local = await startLocal(t, { files: {} });
  const points = startingPoints();
  const nameOf = (key: string): string => key.toLowerCase().replace('receiver:', 'on-');
  for (const { key } of points) {
    const result = await createFunction(local.run.view, { name: nameOf(key), from: key });
    assert.equal(result.kind, 'created', key);
  }
  const readyOf = (key: string): string | undefined =>
    [...local.run.states().values()]
      .find(({ verdict }) => verdict.name === nameOf(key))
      ?.summary.conditions.find(({ type }) => type === 'Ready')?.status;
  // Not by its lines: many that come at once are told in one.
  for (const { key } of points) {
    if (!waiting.has(key)) await eventually(`${key} is ready`, () => readyOf(key) === 'True');
  }
  for (const key of waiting) assert.notEqual(readyOf(key), 'True', key);
});

test('nothing that is there is written over, and secrets go where the run reads them', async (t) => {
  const local = await startLocal(t, { files: { 'mine.yaml': '# mine\n', 'env.txt': '# secrets' } });
  const view = { ...local.run.view, envFile: join(local.folder, 'env.txt') };
  const taken = await createFunction(view, { name: 'mine', from: 'receiver:github' });
  assert.equal(taken.kind, 'refused');
  assert.equal(readFileSync(join(local.folder, 'mine.yaml'), 'utf8'), '# mine\n');
  assert.equal(readFileSync(view.envFile, 'utf8'), '# secrets');
  for (const name of ['../up', 'A', '', 'a/b', '-a', 'a'.repeat(64)]) {
    assert.equal((await createFunction(view, { name, from: 'receiver:open' })).kind, 'refused', name);
  }
  const made = await createFunction(view, { name: 'pay', from: 'receiver:stripe', secret: 'whsec_given' });
  assert.equal(made.kind === 'created' && made.secretPlace?.name, 'env.txt');
  assert.equal(readFileSync(view.envFile, 'utf8'), "# secrets\npay.secret='whsec_given'\n");
  assert.ok(!existsSync(join(local.folder, 'pay.secret.yaml')));
  assert.deepEqual(readdirSync(local.folder).toSorted(), ['env.txt', 'mine.yaml', 'pay.yaml']);
});

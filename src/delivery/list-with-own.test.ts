import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listWithOwn, type OwnKeys } from './list-with-own.ts';

const committed = Array.from({ length: 25 }, (_, index) => `k${String(index).padStart(2, '0')}`);
const readPage = (limit: number) => (after: string | undefined) =>
  Promise.resolve(committed.filter((key) => after === undefined || key > after).slice(0, limit));

async function all(own: OwnKeys, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listWithOwn(readPage(limit), own, limit, cursor);
    assert.ok(page.keys.length <= limit);
    found.push(...page.keys);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

test('pages go on behind keys that the attempt has deleted, and show those it has set', async () => {
  const own = { set: ['k03', 'k03b', 'k99', 'a'], deleted: new Set(committed.slice(5, 18)) };
  const wanted = [...committed.slice(0, 5), ...committed.slice(18), 'k03b', 'k99', 'a'].sort();
  for (const limit of [1, 2, 5, 7, 25, 26, 100]) assert.deepEqual(await all(own, limit), wanted, `${limit}`);
});

test('a first page that was deleted as a whole is not the end', async () => {
  const page = await listWithOwn(readPage(10), { set: [], deleted: new Set(committed.slice(0, 10)) }, 10, undefined);
  assert.deepEqual(page, { keys: committed.slice(10, 20), cursor: 'k19' });
});

test('keys are in the order of their bytes, as the engines have them', async () => {
  const set = ['\u{1f600}', '\uffee', 'z'];
  const page = await listWithOwn(() => Promise.resolve([]), { set, deleted: new Set() }, 2, undefined);
  assert.deepEqual(page, { keys: ['z', '\uffee'], cursor: '\uffee' });
  const next = await listWithOwn(() => Promise.resolve([]), { set, deleted: new Set() }, 2, '\uffee');
  assert.deepEqual(next, { keys: ['\u{1f600}'] });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKnownRows } from './known-rows.ts';

const row = (uid: string) => ({ uid, version: '1', name: 'n', expressions: 'x' });

test('pages are taken to the last one', () => {
  const known = createKnownRows();
  assert.equal(known.take({ rows: [row('a'), row('b')], next: 'b' }), true);
  assert.equal(known.after, 'b');
  assert.equal(known.take({ rows: [row('c')] }), true);
  assert.equal(known.after, undefined);
  assert.equal(known.all.length, 3);
});

test('a runtime that answers pages for ever is believed no more', () => {
  for (const next of [7, null]) assert.equal(createKnownRows().take({ rows: [row('b')], next }), false, String(next));
  assert.equal(createKnownRows().take({ rows: [], next: 'x' }), false, 'empty pages');
  const known = createKnownRows(10_000);
  let pages = 0;
  while (pages < 1_000 && known.take({ rows: [row('u'.repeat(100))], next: 'the same again' })) pages += 1;
  assert.ok(pages < 40, `${pages} pages were taken`);
});

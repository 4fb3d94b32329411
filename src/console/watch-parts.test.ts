import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCallRow } from './call-row.ts';
import type { FunctionRow } from './console-source.ts';
import { listStanding } from './list-standing.ts';
import { toLogRows } from './log-rows.ts';
import { linePath, niceTop } from './page/watch/chart-shape.ts';
import { formatMs, formatNumber, formatSpan, formatWhen } from './page/watch/format.ts';
import { pageOf, readPageWish } from './page-of-list.ts';
import { readInvokeOrder } from './read-invoke-order.ts';

test('a line is broken where nothing was measured, and a lone point is a dash', () => {
  const box = { width: 100, height: 10, top: 10 };
  assert.equal(linePath([0, 10, null, 5, null], box), 'M0.0 10.0L25.0 0.0M75.0 5.0h1.5');
  assert.equal(linePath([20], box), 'M0.0 0.0h1.5');
  assert.equal(niceTop([[0, null], [3]]), 5);
  assert.equal(niceTop([[null, 0]]), 1);
  assert.equal(niceTop([[101]]), 200);
});

test('times and numbers are as short as they may be', () => {
  assert.deepEqual([0.25, 12.34, 250, 3_210, 120_000].map(formatMs), ['250 µs', '12.3 ms', '250 ms', '3.2 s', '2 min']);
  assert.deepEqual([59_000, 7_200_000, 3 * 86_400_000].map(formatSpan), ['59 s', '2 h', '3 d']);
  assert.equal(formatWhen(1_000, 61_000), '60 s ago');
  assert.equal(formatWhen(61_000, 1_000), 'in 60 s');
  assert.deepEqual([0, 0.081, 12.44, 240, 12_400].map(formatNumber), ['0', '0.08', '12.4', '240', '12,400']);
});

test('a page of a list is filtered, cut and counted; what is no number is refused', () => {
  const wish = readPageWish({ find: 'A', offset: '1', limit: '1' });
  assert.ok(typeof wish !== 'string');
  assert.deepEqual(
    pageOf(['a', 'b', 'aa', 'ab'], wish, (row) => row),
    { total: 3, rows: ['aa'] },
  );
  for (const query of [{ limit: '0' }, { limit: '501' }, { offset: '-1' }, { offset: '1e9' }]) {
    assert.equal(typeof readPageWish(query), 'string');
  }
});

test('functions that are not ready or fail come first where trouble is asked for', () => {
  const row = (name: string, ready: FunctionRow['ready']): FunctionRow => ({
    namespace: 'shop',
    name,
    ready,
    reason: '',
    message: '',
    programmed: '1/1',
    triggers: [],
  });
  const measures = new Map([['shop/b', { perSecond: 9, failedShare: 0.5, recent: [9] }]]);
  const rows = [row('a', 'True'), row('b', 'True'), row('c', 'False')];
  const wish = { find: '', offset: 0, limit: 10 };
  const names = (order?: string): readonly string[] =>
    listStanding(rows, measures, wish, order).rows.map(({ name }) => name);
  assert.deepEqual(names('trouble'), ['c', 'b', 'a']);
  assert.deepEqual(names('rate'), ['b', 'a', 'c']);
  assert.deepEqual(names('no such order'), ['a', 'b', 'c']);
  assert.deepEqual(listStanding(rows, measures, { ...wish, find: 'c' }, undefined).counts, { functions: 3, ready: 2 });
});

test('a row of a call holds neither its log nor what was captured, and a long reason is cut', () => {
  const row = toCallRow({
    callId: 'c1',
    time: 5,
    kind: 'http',
    outcome: 'error',
    durationMs: 2,
    namespace: 'shop',
    error: { message: 'x'.repeat(1000) },
    log: [{ at: 0, level: 'info', message: 'token' }],
    captured: { headers: [['authorization', 'secret']] },
    request: { method: 'POST', target: '/shop/paid', ip: '127.0.0.1' },
  });
  assert.equal(row.why?.length, 300);
  assert.equal(row.logLines, 1);
  assert.equal(row.target, '/shop/paid');
  assert.doesNotMatch(JSON.stringify(row), /token|secret|127/);
});

test('lines of a log are in the order of time over all calls, the error that ended one among them', () => {
  const lines = toLogRows([
    { callId: 'a', time: 100, durationMs: 9, log: [{ at: 1, level: 'info', message: 'one', fields: { id: 7 } }] },
    { callId: 'b', time: 98, durationMs: 5, log: [], error: { message: 'broke' } },
  ]);
  assert.deepEqual(
    lines.map(({ at, level, text }) => [at, level, text]),
    [
      [103, 'error', 'broke'],
      [101, 'info', 'one {"id":7}'],
    ],
  );
});

test('an order to call a function names nothing beyond its path and headers', () => {
  const good = {
    namespace: 'shop',
    name: 'prices',
    method: 'POST',
    path: '/items/7?x=1',
    contentType: 'text/plain',
    body: '',
  };
  assert.deepEqual(readInvokeOrder(good), good);
  const bad = [
    { name: '../x' },
    { namespace: 'a/b' },
    { trigger: 'a\r\nb' },
    { method: 'CONNECT' },
    { path: 'items' },
    { path: '/a b' },
    { path: '/../../other/name' },
    { path: '/%2E%2e/x' },
    { contentType: 'text/plain\r\nx: y' },
    { method: 'GET' },
    { body: 7 },
  ];
  for (const part of bad) assert.equal(typeof readInvokeOrder({ ...good, ...part }), 'string', JSON.stringify(part));
});

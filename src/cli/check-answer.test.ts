import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAnswer, readWatchLine } from './check-answer.ts';

describe('an answer of a cluster', () => {
  test('that is an object or a list of objects passes as it is', () => {
    const one = { kind: 'Call', metadata: { name: 'a' }, status: {} };
    assert.deepEqual(checkAnswer(one, '/x'), { ok: true, value: one });
    const list = { kind: 'CallList', metadata: { continue: 'n' }, items: [one, { key: 'without metadata' }] };
    assert.deepEqual(checkAnswer(list, '/x'), { ok: true, value: list });
  });

  test('of discovery, which has no items, passes', () => {
    const body = { kind: 'APIResourceList', groupVersion: 'v1', resources: [] };
    assert.deepEqual(checkAnswer(body, '/api/v1'), { ok: true, value: body });
  });

  test('that is a list never filled has no items, and a list without metadata no next page', () => {
    const value = { kind: 'CallList', metadata: {}, items: [] };
    assert.deepEqual(checkAnswer({ kind: 'CallList', items: null }, '/x'), { ok: true, value });
    assert.deepEqual(checkAnswer({ kind: 'CallList', items: [] }, '/x'), { ok: true, value });
  });

  for (const [what, body] of [
    ['null', null],
    ['text', 'OK'],
    ['an array', []],
    ['a list whose items are missing', { kind: 'CallList', metadata: {} }],
    ['a list whose items are an object', { kind: 'CallList', items: {} }],
    ['items of null where no list is named', { items: null }],
    ['an item that is null', { kind: 'CallList', items: [null] }],
    ['metadata that is text', { kind: 'Call', metadata: 'a' }],
    ['an item with metadata of null', { kind: 'CallList', items: [{ metadata: null }] }],
  ] as const) {
    test(`that is ${what} is refused in words that name the request`, () => {
      const checked = checkAnswer(body, '/apis/run.moonhook.dev/x');
      assert.ok(!checked.ok);
      assert.match(checked.message, /^the API server answered .* for \/apis\/run\.moonhook\.dev\/x: see whether/);
    });
  }
});

describe('a line of a watch', () => {
  test('gives the object and its name', () => {
    const object = { kind: 'Call', metadata: { name: 'c-1' } };
    assert.deepEqual(readWatchLine(JSON.stringify({ type: 'ADDED', object }), '/calls'), { name: 'c-1', object });
  });

  test('that is an error says what the server said', () => {
    const object = { kind: 'Status', metadata: {}, message: 'too old resource version' };
    assert.throws(
      () => readWatchLine(JSON.stringify({ type: 'ERROR', object }), '/calls'),
      /^Error: the API server ended the watch of \/calls: too old resource version$/,
    );
  });

  for (const line of ['{', 'null', '[]', '{"object":null}', '{"object":{}}', '{"object":{"metadata":{"name":7}}}']) {
    test(`such as ${line} is an error that names the watch`, () => {
      assert.throws(() => readWatchLine(line, '/calls'), /^Error: the API server sent a line that names no object/);
    });
  }
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkAnswer, readRunAnswer, readRunLine, readWatchLine } from './check-answer.ts';

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

describe('an answer of a local run', () => {
  test('that is an object, with the list that is asked for, passes as it is', async () => {
    const value = { calls: [{ callId: 'c-1' }], more: 1 };
    assert.deepEqual(await readRunAnswer(Response.json(value), 'calls'), { ok: true, value });
    assert.deepEqual(await readRunAnswer(Response.json({ anything: null })), { ok: true, value: { anything: null } });
    assert.deepEqual(readRunLine('{"a":1}', 'http://127.0.0.1:9090/'), { a: 1 });
  });

  for (const text of ['', 'OK', '<html>', 'null', '[]', '{}', '{"calls":{}}', '{"calls":[null]}']) {
    test(`that is ${JSON.stringify(text)} is refused in words that say what to look at`, async () => {
      const read = await readRunAnswer(new Response(text), 'calls');
      assert.ok(!read.ok);
      assert.match(read.message, /^the run answered no list of calls: is it `moonhook dev`, and of this version\?$/);
    });
  }

  for (const line of ['{', 'null', '[]', '7']) {
    test(`whose line is ${line} is an error that names the run`, () => {
      const read = (): unknown => readRunLine(line, 'http://127.0.0.1:9090/-/api/calls');
      assert.throws(read, /^Error: http:\/\/127\.0\.0\.1:9090 answered no object: is it/);
    });
  }
});

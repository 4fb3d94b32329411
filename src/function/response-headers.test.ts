import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlainKey, PlainValue } from './plain-value.ts';
import { readHeaders } from './response-headers.ts';

function read(fields: Readonly<Record<string, PlainValue>>, ownsHost = false): ReturnType<typeof readHeaders> {
  return readHeaders(new Map<PlainKey, PlainValue>(Object.entries(fields)), { ownsHost });
}

function names(
  fields: Readonly<Record<string, PlainValue>>,
  ownsHost = false,
): { kept: string[]; dropped: readonly string[] } {
  const result = read(fields, ownsHost);
  assert.ok(result.ok, result.ok ? '' : result.message);
  return { kept: result.headers.map(([name]) => name), dropped: result.dropped };
}

test('framing, hop-by-hop, origin-wide headers and orders to proxies are left out on every host', () => {
  const hostile = [
    'Connection',
    'Content-Length',
    'Transfer-Encoding',
    'Keep-Alive',
    'Upgrade',
    'Trailer',
    'TE',
    'Service-Worker-Allowed',
    'Clear-Site-Data',
    'Alt-Svc',
    'Strict-Transport-Security',
    'X-Accel-Redirect',
    'x-sendfile',
    'X-Call-Id',
    'X-Moonhook-Duplicate-Of',
  ];
  const fields = Object.fromEntries([...hostile, 'X-Mine'].map((name) => [name, '1']));
  for (const ownsHost of [false, true]) {
    const { kept, dropped } = names(fields, ownsHost);
    // The control: a header of the function's own stays.
    assert.deepEqual(kept, ['x-mine']);
    assert.deepEqual([...dropped].sort(), hostile.map((name) => name.toLowerCase()).sort());
  }
});

test('cookies are for hosts that belong to the namespace', () => {
  assert.deepEqual(names({ 'Set-Cookie': ['a=1', 'b=2'] }), { kept: [], dropped: ['set-cookie'] });
  assert.deepEqual(names({ 'Set-Cookie': ['a=1', 'b=2'] }, true), { kept: ['set-cookie', 'set-cookie'], dropped: [] });
});

test('a value reaches the wire with the bytes Lua gave it', () => {
  const result = read({ 'X-A': 'é', 'X-B': new Uint8Array([0xff]), 'X-C': 5 });
  assert.deepEqual(result.ok && result.headers, [
    ['x-a', '\u00c3\u00a9'],
    ['x-b', '\u00ff'],
    ['x-c', '5'],
  ]);
});

test('what HTTP does not allow is a mistake, not a repair', () => {
  const cases: readonly (readonly [Readonly<Record<string, PlainValue>>, RegExp])[] = [
    [{ 'X-A': 'a\r\nb' }, /line break/],
    [{ 'X-A': 'a\nb' }, /line break/],
    [{ 'X-A': 'a\0b' }, /control character/],
    [{ 'X-A': new Uint8Array([0x0d]) }, /line break/],
    [{ 'X:A': 'a' }, /not the name/],
    [{ '': 'a' }, /not the name/],
    [{ 'Set-Cookie\r': 'a' }, /not the name/],
    [{ 'X-A': true }, /is a boolean/],
    [{ 'X-A': [['x']] }, /is a table/],
    [{ 'X-A': 'a'.repeat(40_000) }, /longer than 32768 bytes/],
    [{ 'X-A': Array.from({ length: 101 }, () => 'a') }, /more than 100 headers/],
  ];
  for (const [fields, message] of cases) {
    const result = read(fields);
    assert.ok(!result.ok, JSON.stringify(fields));
    assert.match(result.message, message);
  }
  const keyed = readHeaders(new Map<PlainKey, PlainValue>([[1, 'a']]), { ownsHost: true });
  assert.ok(!keyed.ok && /keys are the names/.test(keyed.message));
  const listed = readHeaders(['a'], { ownsHost: true });
  assert.ok(!listed.ok);
});

test('no headers are no mistake', () => {
  assert.deepEqual(readHeaders(undefined, { ownsHost: true }), { ok: true, headers: [], dropped: [] });
  assert.deepEqual(readHeaders([], { ownsHost: true }), { ok: true, headers: [], dropped: [] });
});

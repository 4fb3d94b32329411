import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlainKey, PlainValue } from './plain-value.ts';
import { toHttpResponse, type ResponseResult, type ResponseRules } from './result.ts';

const jsonNull = Symbol('json.null');

/** A plain encoder: which rules it has is tested where it lives. */
const rules: ResponseRules = {
  ownsHost: false,
  encodeJson: (value) => {
    if (value instanceof Uint8Array) return { ok: false, message: 'a string that is not valid UTF-8' };
    return { ok: true, text: JSON.stringify(plain(value)) };
  },
};

function plain(value: PlainValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (Array.isArray(value)) return (value as readonly PlainValue[]).map(plain);
  return typeof value === 'symbol' ? null : value;
}

function table(fields: Readonly<Record<string, PlainValue>>): ReadonlyMap<PlainKey, PlainValue> {
  return new Map(Object.entries(fields));
}

function respond(...values: readonly PlainValue[]): ResponseResult {
  return toHttpResponse(values, 1000, rules);
}

function shortOf(result: ResponseResult): unknown {
  if (!result.ok) return result.message;
  const { status, headers, body } = result.response;
  return [status, body, Object.fromEntries(headers)['content-type']];
}

const text = 'text/plain; charset=utf-8';
const json = 'application/json';

const responses: readonly (readonly [name: string, values: readonly PlainValue[], expected: unknown])[] = [
  ['nothing is 204', [], [204, undefined, undefined]],
  ['nil is 204', [undefined], [204, undefined, undefined]],
  ['a string is text', ['hello'], [200, 'hello', text]],
  ['an empty string is a text too', [''], [200, '', text]],
  ['a table is JSON', [table({ a: 1 })], [200, '{"a":1}', json]],
  ['a list is JSON', [[1, 2]], [200, '[1,2]', json]],
  ['an empty table is JSON', [new Map()], [200, '{}', json]],
  ['an empty array is JSON', [[]], [200, '[]', json]],
  ['json.null is JSON', [jsonNull], [200, 'null', json]],
  ['a response table', [table({ status: 201, body: 'x' })], [201, 'x', text]],
  ['a response table of JSON', [table({ status: 404, json: table({ e: 1 }) })], [404, '{"e":1}', json]],
  ['json = json.null', [table({ json: jsonNull })], [200, 'null', json]],
  ['a status alone', [table({ status: 503 })], [503, undefined, undefined]],
  ['headers alone', [table({ headers: table({ 'X-A': 'b' }) })], [200, undefined, undefined]],
  ['a text as status is data', [table({ status: 'ok' })], [200, '{"status":"ok"}', json]],
  [
    'a fraction as status beside data is data',
    [table({ status: 0.5, score: 1 })],
    [200, '{"status":0.5,"score":1}', json],
  ],
  ['three values', [202, 'later', table({ 'X-A': 'b' })], [202, 'later', text]],
  ['a status and a table', [422, table({ e: 1 })], [422, '{"e":1}', json]],
  ['a status and an empty array', [200, []], [200, '[]', json]],
  ['a number as status alone', [404], [404, undefined, undefined]],
  ['a float that is whole', [table({ status: 200, body: 5 })], [200, '5', text]],
  [
    'a declared type stays',
    [table({ body: '<p>', headers: table({ 'Content-Type': 'text/html' }) })],
    [200, '<p>', 'text/html'],
  ],
  ['204 with an empty body', [table({ status: 204, body: '' })], [204, undefined, undefined]],
];

for (const [name, values, expected] of responses) {
  test(`a response: ${name}`, () => assert.deepEqual(shortOf(respond(...values)), expected));
}

test('bytes that are no text go out as they are', () => {
  const bytes = new Uint8Array([0xff, 0x00]);
  assert.deepEqual(shortOf(respond(bytes)), [200, bytes, 'application/octet-stream']);
});

const mistakes: readonly (readonly [name: string, values: readonly PlainValue[], message: RegExp])[] = [
  ['status beside data', [table({ status: 404, message: 'x' })], /status = 404 beside "message": .*json = /],
  ['nil and an error', [undefined, 'no such host'], /nil and "no such host"; raise an error/],
  ['nil and an error table', [undefined, table({ message: 'refused' })], /nil and "refused"/],
  ['a boolean', [true], /returned a boolean/],
  ['body before status', ['text', 200], /a string and a number; the order is status, body, headers/],
  ['table before status', [table({ a: 1 }), 200], /a table and a number/],
  ['status 99', [99], /status 99 is not a whole number from 200 to 599/],
  ['status 101', [table({ status: 101 })], /status 101/],
  ['status 600', [600, 'x'], /status 600/],
  ['half a status', [200.5], /status 200.5/],
  ['a huge status', [2n ** 60n], /status 1152921504606846976/],
  ['body and json', [table({ body: 'a', json: 1 })], /both body and json/],
  ['a table as body', [table({ body: table({ a: 1 }) })], /body is a table; .*json = /],
  ['a body with 204', [204, 'x'], /status 204 has no body/],
  [
    'invalid UTF-8 in JSON',
    [table({ json: new Uint8Array([0xff]) })],
    /no JSON form: a string that is not valid UTF-8/,
  ],
  ['a list of headers', [200, 'x', ['a']], /headers is a table|headers is/],
  ['a line break in a header', [200, 'x', table({ 'X-A': 'b\r\nSet-Cookie: c=d' })], /X-A holds a line break/],
  ['a blank in a name', [200, 'x', table({ 'X A': 'b' })], /"X A" is not the name of a header/],
  ['a body over the limit', ['x'.repeat(1001)], /1001 bytes, more than limits.responseBody allows \(1000\)/],
  ['a body over the limit in bytes only', ['é'.repeat(501)], /1002 bytes/],
];

for (const [name, values, message] of mistakes) {
  test(`a mistake said in words: ${name}`, () => {
    const result = respond(...values);
    assert.ok(!result.ok, JSON.stringify(result));
    assert.match(result.message, message);
  });
}

test('names of the prototype are data like any other', () => {
  const data = new Map<PlainKey, PlainValue>([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
  assert.equal(respond(data).ok, true);
  const response = respond(
    new Map<PlainKey, PlainValue>([
      ['__proto__', 1],
      ['status', 404],
    ]),
  );
  assert.ok(!response.ok && /beside "__proto__"/.test(response.message));
});

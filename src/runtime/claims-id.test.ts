/** The id a refused request claims, in headers and bodies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimsId } from './claims-id.ts';

const request = (body: string, headers: readonly (readonly [string, string])[] = [], bodyCut = false) => ({
  headers,
  bodyBase64: Buffer.from(body).toString('base64'),
  bodyCut,
});

test('a header that is named like an id', () => {
  assert.ok(claimsId(request('', [['x-github-delivery', 'abc']]), 'abc'));
  assert.ok(!claimsId(request('', [['user-agent', 'abc']]), 'abc'), 'control: any other header');
  assert.ok(!claimsId(undefined, 'abc'));
});

test('a member of a JSON body that is named like an id, also inside an envelope', () => {
  assert.ok(claimsId(request('{"id":"evt_1"}'), 'evt_1'));
  assert.ok(claimsId(request('{"event":{"eventId":"evt_1"}}'), 'evt_1'));
  assert.ok(claimsId(request('{"data":[{"id":17}]}'), '17'));
  assert.ok(!claimsId(request('{"user":"evt_1"}'), 'evt_1'), 'control: another member');
  assert.ok(!claimsId(request('{"id":"evt_12"}'), 'evt_1'));
  assert.ok(!claimsId(request('id evt_1'), 'evt_1'), 'no JSON');
  assert.ok(!claimsId(request('{"id":"evt_1"}', [], true), 'evt_1'), 'a body that was cut');
});

test('a field of a form, and the JSON inside its payload', () => {
  const form = [['content-type', 'application/x-www-form-urlencoded']] as const;
  assert.ok(claimsId(request('MessageId=a%2Fb', form), 'a/b'));
  assert.ok(claimsId(request(`payload=${encodeURIComponent('{"id":"p1"}')}`, form), 'p1'));
  assert.ok(!claimsId(request('Name=a%2Fb', form), 'a/b'));
});

test('a body of many members costs little', () => {
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, 'x'])).valueOf());
  assert.ok(!claimsId(request(`{"a":${many},"b":{"c":{"id":"deep"}}}`), 'deep'));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeBody, type DecodedBody } from './decode-body.ts';
import { readFormField, readFormFields } from './form-body.ts';

const decode = (type: string, body: string | Uint8Array, field?: string): DecodedBody =>
  decodeBody(type, Buffer.from(body), field);

describe('a body', () => {
  test('is decoded by its declared type and by nothing else', () => {
    assert.deepEqual(decode('application/json', '{"a":[1,null]}'), { kind: 'json', value: { a: [1, null] } });
    assert.deepEqual(decode('application/vnd.myget.webhooks.v1+json', '1'), { kind: 'json', value: 1 });
    assert.deepEqual(decode('text/plain', '{"a":1}'), { kind: 'text', value: '{"a":1}' });
    assert.deepEqual(decode('application/soap+xml', '<a/>'), { kind: 'text', value: '<a/>' });
    assert.deepEqual(decode('', 'x'), { kind: 'bytes', value: Buffer.from('x') });
    assert.deepEqual(decode('text/plain', Uint8Array.of(0xff)), { kind: 'bytes', value: Buffer.from([0xff]) });
    assert.deepEqual(decode('application/json', ''), { kind: 'empty' });
  });

  test('that is declared as JSON and is none fails with its place and without its text', () => {
    for (const body of ['{"password":"hunter2",}', 'hunter2', '{"a":hunter2}', '"hunter2']) {
      const decoded = decode('application/json', body);
      assert.ok(decoded.kind === 'failure' && decoded.code === 'BodyInvalid', body);
      assert.ok(!decoded.message.includes('hunter2'), decoded.message);
    }
    const latin1 = decode('application/json', Buffer.from('{"a":"é"}', 'latin1'));
    assert.ok(latin1.kind === 'failure' && latin1.message.includes('not UTF-8'));
  });

  test('is refused when it is nested deeper than Lua takes, brackets in texts not counted', () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    assert.equal(decode('application/json', nested(64)).kind, 'json');
    assert.equal(decode('application/json', nested(65)).kind, 'failure');
    assert.equal(decode('application/json', nested(500_000)).kind, 'failure');
    assert.equal(decode('application/json', JSON.stringify(`\\"${'['.repeat(100)}`)).kind, 'json');
  });

  test('sent as a form has lists for repeated names, and prototype names are ordinary', () => {
    const decoded = decode('application/x-www-form-urlencoded', 'a=1&b=2&a=3&__proto__=x&constructor=y&flag&=z');
    assert.equal(decoded.kind, 'form');
    const value = decoded.kind === 'form' ? decoded.value : {};
    assert.equal(Object.getPrototypeOf(value), null);
    assert.deepEqual(Object.entries(value), [
      ['a', ['1', '3']],
      ['b', '2'],
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['flag', ''],
      ['', 'z'],
    ]);
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  test('sent as a form gives what the URL standard’s parser gives', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a+b', '100%', '%zz', '%C3', 'é&=+'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 6 }), (pairs) => {
        const body = new URLSearchParams(pairs).toString();
        assert.deepEqual(readFormFields(Buffer.from(body)), [...new URLSearchParams(body)]);
        for (const [name] of pairs) {
          if (/^\w+$/.test(name))
            assert.equal(readFormField(Buffer.from(body), name), new URLSearchParams(body).get(name));
        }
      }),
    );
    for (const body of ['a=%zz', 'a=%C3%28', 'a=100%', 'a=%26%2B+%25', 'a=b=c', '&&a=1&']) {
      assert.deepEqual(readFormFields(Buffer.from(body)), [...new URLSearchParams(body)], body);
    }
  });

  test('sent as a form of too many fields is refused', () => {
    assert.equal(decode('application/x-www-form-urlencoded', 'a=1&'.repeat(10_001)).kind, 'failure');
    assert.equal(decode('application/x-www-form-urlencoded', 'a=1&'.repeat(10_000)).kind, 'form');
  });

  test('with its event in a form field is that event, and the plain form where the field is not there', () => {
    const form = 'application/x-www-form-urlencoded';
    assert.deepEqual(decode(form, 'x=1&payload=%7B%22a%22%3A1%7D', 'payload'), { kind: 'json', value: { a: 1 } });
    assert.equal(decode(form, 'payload=%7B', 'payload').kind, 'failure');
    assert.equal(decode(form, 'notpayload=%7B', 'payload').kind, 'form');
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpCall } from './http-call.ts';
import { readCloudEvents } from './read-cloud-event.ts';

function bodyOf(fields: object): string {
  const data = { specversion: '1.0', id: '1', source: '/s', type: 't', ...fields };
  const call = { data, header: () => 'application/cloudevents+json' } as unknown as HttpCall;
  const read = readCloudEvents(call, 'team-a');
  return read.ok ? Buffer.from(read.events[0]?.body ?? []).toString() : read.message;
}

test('data of a JSON type is JSON, whatever its parameters; a text of another type is the body itself', () => {
  for (const json of [undefined, 'application/json', 'application/json; charset=utf-8', 'application/vnd.acme+json']) {
    assert.equal(bodyOf({ datacontenttype: json, data: 'a text' }), '"a text"', json);
    assert.equal(bodyOf({ datacontenttype: json, data: { n: 1 } }), '{"n":1}', json);
  }
  assert.equal(bodyOf({ datacontenttype: 'text/plain; charset=utf-8', data: 'a text' }), 'a text');
});

test('data_base64 is decoded in either alphabet, and refused where it is none', () => {
  for (const text of ['/+8=', '_-8', '_-8=']) assert.equal(bodyOf({ data_base64: text }), '\ufffd\ufffd', text);
  assert.equal(bodyOf({ data_base64: '' }), '');
  for (const text of ['***', 'AAAAA', 'AA=A', 'A A='])
    assert.match(bodyOf({ data_base64: text }), /is not base64/, text);
});

test('data_base64 that is declared as JSON is JSON', () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  for (const type of ['application/json', 'Application/Vnd.acme+JSON; charset=utf-8', 'text/json']) {
    assert.match(
      bodyOf({ datacontenttype: type, data_base64: encode('1,"type":"x"') }),
      /^data_base64 is declared as JSON/,
    );
    assert.match(bodyOf({ datacontenttype: type, data_base64: '/+8=' }), /^data_base64 is /);
    assert.equal(bodyOf({ datacontenttype: type, data_base64: encode('{"n":1}') }), '{"n":1}', 'control');
  }
  assert.equal(bodyOf({ datacontenttype: 'image/png', data_base64: '/+8=' }), '\ufffd\ufffd', 'control');
});

test('an attribute of another form than the specification has is named, with what it should be', () => {
  for (const [fields, message] of [
    [{ source: ' ' }, /^source is not a URI-reference/],
    [{ source: 'my shop' }, /^source is not a URI-reference.*percent-encoded/],
    [{ source: '' }, /^source is empty/],
    [{ type: ' ' }, /holds a blank/],
    [{ time: '2026-02-30T00:00:00Z' }, /^time is not a time/],
    [{ time: ' ' }, /^time is not a time/],
    [{ datacontenttype: 'json' }, /^datacontenttype is not a media type/],
    [{ dataschema: '/order.json' }, /^dataschema is not a URI such as/],
    [{ dataschema: ' ' }, /^dataschema is not a URI such as/],
    [{ subject: '\ud800' }, /^subject holds half of a character/],
    [{ id: '' }, /^id is empty/],
    [{ id: '\u4e16'.repeat(300) }, /^source and id are longer than/],
  ] as const) {
    assert.match(bodyOf({ data: 1, ...fields }), message, JSON.stringify(fields));
  }
  const good = { source: 'urn:a:b', dataschema: 'https://a/b', subject: 'a b', time: '2026-01-31T12:00:00+01:00' };
  assert.equal(bodyOf({ data: 1, ...good }), '1', 'control');
});

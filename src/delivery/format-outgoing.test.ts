import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOutgoing, messageId, type OutgoingEvent } from './format-outgoing.ts';

const event = (parts: Partial<OutgoingEvent> = {}): OutgoingEvent => ({
  id: 'e-1',
  type: 'com.acme.order',
  source: '/shop',
  time: Date.UTC(2026, 0, 2, 3, 4, 5),
  contentType: 'application/json',
  body: Buffer.from('{"n":12345678901234567890}'),
  ...parts,
});
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('data is sent digit for digit as it was published', () => {
  const { body, headers } = formatOutgoing('standardWebhooks', event(), undefined);
  assert.equal(
    textOf(body),
    '{"type":"com.acme.order","timestamp":"2026-01-02T03:04:05.000Z","data":{"n":12345678901234567890}}',
  );
  assert.deepEqual(headers, [['content-type', 'application/json']]);
});

test('JSON stays JSON where its text began with a byte order mark, or is of the type of old', () => {
  const body = Buffer.from('\ufeff{"n":1}');
  for (const [format, more] of [
    ['standardWebhooks', { body }],
    ['cloudEvents', { body }],
    ['standardWebhooks', { contentType: 'text/json', body: Buffer.from('{"n":1}') }],
  ] as const) {
    const sent = textOf(formatOutgoing(format, event(more), undefined).body);
    assert.deepEqual((JSON.parse(sent) as Readonly<Record<string, unknown>>)['data'], { n: 1 }, sent);
  }
});

test('data that is no JSON is text, bytes that are no text are base64, and no data is no member', () => {
  const data = (parts: Partial<OutgoingEvent>): unknown => {
    const {
      type: _type,
      timestamp: _time,
      ...rest
    } = JSON.parse(textOf(formatOutgoing('standardWebhooks', event(parts), undefined).body)) as Record<string, unknown>;
    return rest;
  };
  assert.deepEqual(data({ contentType: 'text/plain', body: Buffer.from('a "b"') }), { data: 'a "b"' });
  assert.deepEqual(data({ contentType: 'image/png', body: Buffer.from([0xff, 0]) }), { data_base64: '/wA=' });
  assert.deepEqual(data({ body: Buffer.alloc(0) }), {});
});

test('a transformed body is sent as it is; a CloudEvent carries it as its data', () => {
  const transformed = { contentType: 'text/plain', body: Buffer.from('hello') };
  const plain = formatOutgoing('standardWebhooks', event(), transformed);
  assert.deepEqual([textOf(plain.body), plain.headers], ['hello', [['content-type', 'text/plain']]]);
  const cloud = JSON.parse(textOf(formatOutgoing('cloudEvents', event({ subject: 's' }), transformed).body)) as object;
  assert.deepEqual(cloud, {
    specversion: '1.0',
    id: 'e-1',
    source: '/shop',
    type: 'com.acme.order',
    time: '2026-01-02T03:04:05.000Z',
    subject: 's',
    datacontenttype: 'text/plain',
    data: 'hello',
  });
});

test('an event that came from GitHub leaves with its word, without the action', () => {
  const fromGithub = event({ type: 'com.github.pull_request.opened', name: 'pull_request.opened' });
  const headers = new Map(formatOutgoing('github', fromGithub, undefined).headers);
  assert.equal(headers.get('x-github-event'), 'pull_request');
  assert.equal(new Map(formatOutgoing('github', event(), undefined).headers).get('x-github-event'), 'com.acme.order');
});

test('an id that cannot stand in a signed header is hashed, the same at each attempt', () => {
  assert.equal(messageId('c1-2:x_Y'), 'c1-2:x_Y');
  for (const odd of ['a.b', 'a b', 'ä', 'a\r\nx: y', '', 'x'.repeat(300)]) {
    assert.match(messageId(odd), /^evt_[A-Za-z0-9_-]{32}$/);
    assert.equal(messageId(odd), messageId(odd));
  }
  assert.notEqual(messageId('a.b'), messageId('a.c'));
});

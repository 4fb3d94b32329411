import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMediaType, isTimestamp, isUri, isUriReference } from './attribute-forms.ts';

/** Of RFC 3986 §§1.1.2, 5.4, 3.2.2, 4.2; CloudEvents 1.0.2 §3.1 `source`. */
const references = [
  'ftp://ftp.is.co.za/rfc/rfc1808.txt',
  'ldap://[2001:db8::7]/c=GB?objectClass?one',
  'mailto:John.Doe@example.com',
  'tel:+1-816-555-1212',
  'telnet://192.0.2.16:80/',
  'urn:oasis:names:specification:docbook:dtd:xml:4.1.2',
  'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
  'https://github.com/cloudevents',
  '/cloudevents/spec/pull/123',
  '/sensors/tn-1234567/alerts',
  '1-555-123-4567',
  '../g?y#s',
  './this:that',
  '//g',
  '?y',
  '#s',
  '',
  'http://user:word@host:8080/%7Esmith/?a=b&c=/d#e?f',
];

test('a reference has the form of RFC 3986', () => {
  for (const text of references) assert.equal(isUriReference(text), true, text);
  for (const text of [
    ' ',
    '/a b',
    '/a\n',
    '1:b',
    ':a',
    '/a#b#c',
    '/%zz',
    '/%2',
    '/ä',
    '/a[b]',
    'http://[::1/x',
    'http://a b/',
    'http://h:80x/',
    '<a>',
    '{a}',
    '"',
    '\\a',
    '/a^b',
    'a|b',
    '`',
  ]) {
    assert.equal(isUriReference(text), false, text);
  }
});

test('a URI has a scheme', () => {
  for (const text of ['https://a/b', 'urn:a:b', 'x:']) assert.equal(isUri(text), true, text);
  for (const text of ['/a', '', 'a/b:c', '?a:b', '1:a', 'https://a b']) assert.equal(isUri(text), false, text);
});

test('a time is one that a calendar and a clock have', () => {
  for (const text of [
    '2026-01-31T12:00:00Z',
    '2024-02-29t23:59:59.123456789z',
    '2026-01-31T12:00:00-00:00',
    '0001-01-01T00:00:00+23:59',
  ]) {
    assert.equal(isTimestamp(text), true, text);
  }
  for (const text of [
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:00+24:00',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31',
    ' ',
  ]) {
    assert.equal(isTimestamp(text), false, text);
  }
});

test('a media type has a type and a subtype', () => {
  for (const text of ['text/plain', 'application/vnd.acme+json; charset="utf-8"', 'image/svg+xml ;q=1']) {
    assert.equal(isMediaType(text), true, text);
  }
  for (const text of ['json', 'text/', '/plain', 'text/plain charset', 'a b/c', ' '])
    assert.equal(isMediaType(text), false);
});

test('texts of a megabyte are judged at once', () => {
  const began = performance.now();
  for (const text of [
    'a:'.repeat(500_000),
    '/'.repeat(1_000_000),
    '%20'.repeat(300_000) + '%',
    '@'.repeat(1_000_000),
  ]) {
    isUriReference(text);
    isMediaType(text);
    isTimestamp(text);
  }
  assert.ok(performance.now() - began < 20_000);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHeaders, checkMethod, checkUrl } from './outbound-request.ts';

function hostOf(url: string): string {
  const checked = checkUrl(url);
  assert.ok(checked.ok, url);
  return checked.value.target.host;
}

function ruleOf(url: string): string {
  const checked = checkUrl(url);
  assert.ok(!checked.ok, url);
  return checked.rule;
}

test('every written form of an IPv4 address becomes the same target', () => {
  for (const host of [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f.0.0.1',
    '0x7f000001',
    '0177.0.0.1',
    '017700000001',
    '%31%32%37.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
  ]) {
    assert.equal(hostOf(`http://${host}/`), '127.0.0.1', host);
  }
});

test('IPv6 targets lose brackets, mapped ones stay recognisable', () => {
  assert.equal(hostOf('http://[::1]:8080/'), '::1');
  assert.equal(hostOf('http://[0:0:0:0:0:ffff:127.0.0.1]/'), '::ffff:7f00:1');
});

test('names lose case and trailing dot', () => {
  assert.equal(hostOf('https://API.Example.COM./x'), 'api.example.com');
});

test('zone ids, bad numbers, missing hosts and double dots are no URLs', () => {
  for (const url of [
    'http://[fe80::1%25eth0]/',
    'http://256.256.256.256/',
    'http://0x7f.0.0.0.1.1/',
    'http:///',
    'http://example.com../',
    '/relative',
    '',
    'http://exa mple.com',
    `http://example.com/${'a'.repeat(9000)}`,
  ]) {
    assert.equal(ruleOf(url), 'url', url.slice(0, 40));
  }
});

test('other schemes and credentials in the URL are refused', () => {
  for (const url of ['ftp://example.com', 'file:///etc/passwd', 'data:,x', 'gopher://x', 'ws://x', 'javascript:1']) {
    assert.equal(ruleOf(url), 'scheme', url);
  }
  assert.equal(ruleOf('https://user:pass@example.com/'), 'credentials');
  assert.equal(ruleOf('https://example.com@127.0.0.1/'), 'credentials');
});

test('ports of other protocols are refused, usual ones are not', () => {
  assert.equal(ruleOf('http://example.com:25/'), 'port');
  assert.equal(ruleOf('http://example.com:22/'), 'port');
  assert.equal(ruleOf('http://example.com:0/'), 'port');
  for (const port of [80, 443, 3000, 8080, 9200]) assert.equal(hostOf(`http://example.com:${port}/`), 'example.com');
});

test('methods that tunnel or echo are refused', () => {
  for (const method of ['GET', 'POST', 'PATCH', 'PROPFIND']) assert.equal(checkMethod(method).ok, true, method);
  for (const method of ['CONNECT', 'TRACE', 'TRACK', 'get', 'GET /', '', 'A\r\nB', 'X'.repeat(30)]) {
    assert.equal(checkMethod(method).ok, false, method);
  }
});

test('headers of the connection and of the host cannot be set', () => {
  for (const name of [
    'Host',
    'content-length',
    'Transfer-Encoding',
    'Connection',
    'Upgrade',
    'TE',
    'Trailer',
    'Proxy-Authorization',
    'Expect',
    'Webhook-Signature',
    'webhook-id',
    'X-Moonhook-Hops',
    'Accept-Encoding',
  ]) {
    const verdict = checkHeaders([[name, 'x']]);
    assert.ok(!verdict.ok, name);
    assert.equal(verdict.rule, 'header');
  }
  assert.equal(checkHeaders([['Authorization', 'Bearer x']]).ok, true);
  assert.equal(checkHeaders([['X-Api-Key', 'tab\there é']]).ok, true);
});

test('header injection is refused', () => {
  for (const [name, value] of [
    ['x', 'a\r\nHost: b'],
    ['x', 'a\nb'],
    ['x', 'a\0b'],
    ['x', 'snow ☃'],
    ['x y', 'a'],
    ['x\r\n', 'a'],
    ['', 'a'],
    ['x:', 'a'],
  ] as const) {
    assert.equal(checkHeaders([[name, value]]).ok, false, JSON.stringify([name, value]));
  }
});

test('number and size of headers are bounded', () => {
  const many = Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'v'] as const);
  assert.equal(checkHeaders(many).ok, false);
  assert.equal(checkHeaders(many.slice(1)).ok, true);
  assert.equal(checkHeaders([['x', 'v'.repeat(20_000)]]).ok, false);
});

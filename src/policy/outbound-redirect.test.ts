import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextHop, type Hop } from './outbound-redirect.ts';

const hop: Hop = {
  method: 'POST',
  url: new URL('https://a.example/x'),
  headers: [
    ['Authorization', 'Bearer s'],
    ['X-Api-Key', 's'],
    ['Cookie', 'c'],
    ['Accept', 'text/html'],
    ['Content-Type', 'text/plain'],
  ],
  hostHeaders: [['webhook-id', '1']],
  body: Buffer.from('b'),
};

function next(from: Hop, status: number, location: string): Hop {
  const result = nextHop(from, status, location);
  assert.ok(result.ok);
  return result.value;
}

test('the same origin keeps headers, another one keeps none that can be a credential', () => {
  const same = next(hop, 307, '/y');
  assert.equal(same.url.href, 'https://a.example/y');
  assert.equal(same.headers.length, 5);
  assert.equal(same.hostHeaders.length, 1);
  for (const location of ['https://b.example/', 'https://a.example:8443/', '//b.example/y']) {
    const other = next(hop, 307, location);
    assert.deepEqual(
      other.headers.map(([name]) => name),
      ['Accept', 'Content-Type'],
      location,
    );
    assert.deepEqual(other.hostHeaders, []);
  }
});

test('303 and a redirected POST become GET without a body, 307 and 308 stay as they are', () => {
  for (const status of [301, 302, 303]) {
    const get = next(hop, status, '/y');
    assert.equal(get.method, 'GET');
    assert.equal(get.body, undefined);
    assert.ok(!get.headers.some(([name]) => name === 'Content-Type'));
  }
  for (const status of [307, 308]) {
    assert.equal(next(hop, status, '/y').method, 'POST');
    assert.ok(next(hop, status, '/y').body);
  }
  assert.equal(next({ ...hop, method: 'PUT' }, 302, '/y').method, 'PUT');
  assert.equal(next({ ...hop, method: 'HEAD' }, 303, '/y').method, 'HEAD');
});

test('a redirect from https to http is refused', () => {
  const result = nextHop(hop, 302, 'http://a.example/');
  assert.ok(!result.ok);
  assert.equal(result.rule, 'redirect');
  assert.ok(nextHop({ ...hop, url: new URL('http://a.example/') }, 302, 'http://b.example/').ok);
});

test('a location that is no URL is refused', () => {
  assert.equal(nextHop(hop, 302, 'http://[').ok, false);
});

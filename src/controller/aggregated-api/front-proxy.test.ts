/** Whom the aggregated API believes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority } from '../certificates/make-certificates.ts';
import { proveUser, readFrontProxy, type FrontProxy } from './front-proxy.ts';

const validity = { from: Date.now() - 1_000, until: Date.now() + 60_000 };
const authority = (await makeAuthority('front-proxy-ca', validity)).certificate;
const data = {
  'requestheader-client-ca-file': authority,
  'requestheader-allowed-names': '["front-proxy-client"]',
  'requestheader-username-headers': '["X-Remote-User"]',
  'requestheader-group-headers': '["X-Remote-Group"]',
  'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
};
const proxy = readFrontProxy(data) as FrontProxy;
const shown = { authorized: true, commonName: 'front-proxy-client' };

test('a user comes with groups and extra fields, whose keys are unescaped', () => {
  const headers = [
    ['X-Remote-User', 'ada'],
    ['X-Remote-Group', 'devs'],
    ['x-remote-group', 'a, b'],
    ['X-Remote-Extra-Example.com%2fscope', 'one'],
    ['X-Remote-Extra-Example.com%2fscope', 'two'],
  ] as const;
  assert.deepEqual(proveUser(proxy, shown, headers), {
    name: 'ada',
    groups: ['devs', 'a, b'],
    extra: { 'example.com/scope': ['one', 'two'] },
  });
});

test('without the certificate, with another name, without one user nobody is believed', () => {
  const user = [['X-Remote-User', 'ada']] as const;
  assert.equal(typeof proveUser(proxy, shown, user), 'object');
  assert.match(JSON.stringify(proveUser(proxy, { ...shown, authorized: false }, user)), /no certificate/);
  assert.match(JSON.stringify(proveUser(proxy, { ...shown, commonName: 'other' }, user)), /somebody else/);
  assert.match(JSON.stringify(proveUser(proxy, { ...shown, commonName: undefined }, user)), /somebody else/);
  assert.match(JSON.stringify(proveUser(proxy, shown, [])), /no user/);
  assert.match(JSON.stringify(proveUser(proxy, shown, [...user, ['x-remote-user', 'eve']])), /several/);
});

test('a ConfigMap that says nothing to go by believes nobody', () => {
  assert.match(JSON.stringify(readFrontProxy({})), /--requestheader-client-ca-file/);
  for (const key of ['requestheader-username-headers', 'requestheader-allowed-names'] as const) {
    assert.match(JSON.stringify(readFrontProxy({ ...data, [key]: '{' })), /cannot be read/, key);
  }
  assert.match(JSON.stringify(readFrontProxy({ ...data, 'requestheader-username-headers': '[]' })), /cannot be read/);
});

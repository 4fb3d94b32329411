import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createClientAddress, parseProxyRange, networkOf } from './client-address.ts';

suite('client address', () => {
  test('without trusted proxies only the socket counts', () => {
    const address = createClientAddress([]);
    assert.equal(address('203.0.113.9', '198.51.100.1'), '203.0.113.9');
    assert.equal(address(undefined, '198.51.100.1'), '');
  });

  test('behind a trusted proxy it is the rightmost address that is not one', () => {
    const address = createClientAddress(['10.0.0.0/8', '::1']);
    assert.equal(address('10.1.2.3', '198.51.100.1'), '198.51.100.1');
    assert.equal(
      address('10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9'),
      '198.51.100.1',
      'what a client adds is ignored',
    );
    assert.equal(address('::1', '2001:db8::5'), '2001:db8::5');
    assert.equal(address('::ffff:10.0.0.1', '198.51.100.1'), '198.51.100.1', 'mapped addresses are the IPv4 ones');
  });

  test('an address that is not trusted cannot forward anything', () => {
    const address = createClientAddress(['10.0.0.0/8']);
    assert.equal(address('203.0.113.9', '198.51.100.1'), '203.0.113.9');
  });

  test('garbage ends the search at the last address that is one', () => {
    const address = createClientAddress(['10.0.0.0/8']);
    assert.equal(address('10.0.0.1', 'unknown'), '10.0.0.1');
    assert.equal(address('10.0.0.1', '198.51.100.1, <script>, 10.0.0.2'), '10.0.0.2');
  });

  test('a range that does not parse is refused at start', () => {
    assert.equal(parseProxyRange('10.0.0.0/99'), undefined);
    assert.equal(parseProxyRange('proxy.example'), undefined);
    assert.throws(() => createClientAddress(['10.0.0.300']), /neither an address nor a range/);
  });
});

test('what one client has to himself is an IPv4 address or an IPv6 network', () => {
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('2001:db8::1'), networkOf('2001:db8:0:0:ffff::2'));
  assert.notEqual(networkOf('2001:db8::1'), networkOf('2001:db8:0:1::1'));
  assert.equal(networkOf('unknown'), 'unknown');
});

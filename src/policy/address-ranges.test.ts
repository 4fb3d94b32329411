import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyAddress, comparableAddress, isInBlock, parseAddressBlock } from './address-ranges.ts';

const special: readonly (readonly [string, string])[] = [
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'carrier'],
  ['100.127.255.255', 'carrier'],
  ['100.100.100.200', 'metadata'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['168.63.129.16', 'metadata'],
  ['169.254.1.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.8', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['192.88.99.1', 'tunnel'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'reserved'],
  ['198.19.255.255', 'reserved'],
  ['198.51.100.7', 'documentation'],
  ['203.0.113.7', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::2', 'reserved'],
  ['::127.0.0.1', 'reserved'],
  ['::8.8.8.8', 'reserved'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['0:0:0:0:0:ffff:a00:1', 'private'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['::ffff:0:127.0.0.1', 'reserved'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['64:ff9b:1::1', 'tunnel'],
  ['100::1', 'reserved'],
  ['2001::1', 'tunnel'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'tunnel'],
  ['2001:2::1', 'tunnel'],
  ['2001:10::1', 'tunnel'],
  ['2001:1ff:ffff::1', 'tunnel'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', 'tunnel'],
  ['3fff::1', 'documentation'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'reserved'],
  ['fc00::1', 'private'],
  ['fd12:3456::1', 'private'],
  ['fd00:ec2::254', 'metadata'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'invalid'],
  ['fec0::1', 'private'],
  ['ff02::1', 'multicast'],
  ['0x7f.1', 'invalid'],
  ['2130706433', 'invalid'],
  ['0177.0.0.1', 'invalid'],
  ['127.1', 'invalid'],
  ['localhost', 'invalid'],
  ['', 'invalid'],
];

for (const [address, kind] of special) {
  test(`${address === '' ? '(empty)' : address} is ${kind}`, () => {
    assert.equal(classifyAddress(address).kind, kind);
  });
}

for (const address of [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.31.196.1',
  '192.175.48.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2001:200::1',
  '2620:4f:8000::1',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
]) {
  test(`${address} is globally reachable`, () => {
    assert.equal(classifyAddress(address).kind, 'global');
  });
}

test('a mapped address is judged and named as its IPv4 address', () => {
  assert.deepEqual(classifyAddress('::ffff:10.1.2.3'), { kind: 'private', range: '10.0.0.0/8', canonical: '10.1.2.3' });
});

test('a block holds its own addresses in every spelling and no others', () => {
  const block = parseAddressBlock('10.0.0.0/8');
  assert.ok(block);
  assert.equal(isInBlock('10.255.0.1', block), true);
  assert.equal(isInBlock('::ffff:10.255.0.1', block), true);
  assert.equal(isInBlock('11.0.0.1', block), false);
  assert.equal(isInBlock('fd00::1', block), false);
  for (const bad of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'example.com', '10.0.0', '::1/129']) {
    assert.equal(parseAddressBlock(bad), undefined, bad);
  }
});

test('two spellings of one address compare equal', () => {
  assert.equal(comparableAddress('::FFFF:127.0.0.1'), comparableAddress('127.0.0.1'));
  assert.equal(comparableAddress('2606:4700:0:0::1111'), comparableAddress('2606:4700::1111'));
  assert.notEqual(comparableAddress('64:ff9b::808:808'), comparableAddress('8.8.8.8'));
});

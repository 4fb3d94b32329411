import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddressBlock } from './address-ranges.ts';
import {
  checkAddress,
  checkHost,
  normaliseHost,
  parseEgressGrant,
  parseEgressPattern,
  type EffectiveEgress,
  type EgressGrant,
  type EgressPattern,
} from './egress.ts';

function pattern(text: string): EgressPattern {
  const parsed = parseEgressPattern(text);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

function grant(text: string, local = true): EgressGrant {
  const parsed = parseEgressGrant(text, { local });
  assert.ok(parsed.ok, text);
  return parsed.value;
}

function egress(given: {
  allow?: readonly string[];
  ceiling?: readonly string[];
  grants?: readonly string[];
  denied?: readonly string[];
  local?: boolean;
}): EffectiveEgress {
  const local = given.local ?? true;
  return {
    installation: {
      grants: (given.grants ?? []).map((text) => grant(text, local)),
      denied: (given.denied ?? []).flatMap((text) => parseAddressBlock(text) ?? []),
      local,
      ...(given.ceiling === undefined ? {} : { ceiling: given.ceiling.map(pattern) }),
    },
    ...(given.allow === undefined ? {} : { allow: given.allow.map(pattern) }),
  };
}

const https = (host: string, port = 443): { host: string; port: number } => ({ host, port });

test('without lists every host may be named', () => {
  assert.equal(checkHost(egress({}), https('anything.example'), []).ok, true);
});

test('a list is exclusive and an empty list allows nothing', () => {
  const rules = egress({ allow: ['hooks.slack.com'] });
  assert.equal(checkHost(rules, https('hooks.slack.com'), []).ok, true);
  const refused = checkHost(rules, https('evil.example'), []);
  assert.ok(!refused.ok);
  assert.equal(refused.rule, 'host');
  assert.equal(checkHost(egress({ allow: [] }), https('hooks.slack.com'), []).ok, false);
});

test('a wildcard covers every depth of subdomains but neither the name itself nor look-alikes', () => {
  const rules = egress({ allow: ['*.example.com'] });
  assert.equal(checkHost(rules, https('a.example.com'), []).ok, true);
  assert.equal(checkHost(rules, https('a.b.example.com'), []).ok, true);
  for (const host of ['example.com', 'badexample.com', 'example.com.evil.org', '.example.com']) {
    assert.equal(checkHost(rules, https(host), []).ok, false, host);
  }
});

test('a port in an entry narrows it', () => {
  const rules = egress({ allow: ['api.example.com:8443'] });
  assert.equal(checkHost(rules, https('api.example.com', 8443), []).ok, true);
  assert.equal(checkHost(rules, https('api.example.com'), []).ok, false);
});

test("the function's list cannot widen the installation's ceiling", () => {
  const rules = egress({ allow: ['a.example.com', 'b.example.org'], ceiling: ['*.example.com'] });
  assert.equal(checkHost(rules, https('a.example.com'), []).ok, true);
  const refused = checkHost(rules, https('b.example.org'), []);
  assert.ok(!refused.ok);
  assert.equal(refused.rule, 'ceiling');
});

test('an address entry asks that every address of the host lies in it', () => {
  const rules = egress({ allow: ['8.8.8.0/24'] });
  assert.equal(checkHost(rules, https('dns.example'), ['8.8.8.8', '8.8.8.9']).ok, true);
  assert.equal(checkHost(rules, https('dns.example'), ['8.8.8.8', '1.1.1.1']).ok, false);
  assert.equal(checkHost(rules, https('dns.example'), []).ok, false);
});

test('a host name in a list never opens an address that is not globally reachable', () => {
  const rules = egress({ allow: ['intranet.example'], ceiling: ['intranet.example'] });
  const refused = checkAddress(rules, https('intranet.example'), '10.0.0.1');
  assert.ok(!refused.ok);
  assert.equal(refused.rule, 'address');
  assert.doesNotMatch(refused.message, /10\.0\.0\.1/);
  assert.equal(checkAddress(rules, https('intranet.example'), '8.8.8.8').ok, true);
});

test('a grant opens its block at its port only', () => {
  const rules = egress({ grants: ['127.0.0.1:3000', '[fd00::]:80', '10.0.0.0/8:8080'] });
  assert.equal(checkAddress(rules, https('127.0.0.1', 3000), '127.0.0.1').ok, true);
  assert.equal(checkAddress(rules, https('127.0.0.1', 3001), '127.0.0.1').ok, false);
  assert.equal(checkAddress(rules, https('127.0.0.2', 3000), '127.0.0.2').ok, false);
  assert.equal(checkAddress(rules, https('any.example', 8080), '10.9.9.9').ok, true);
  assert.equal(checkAddress(rules, https('any.example', 8080), '::ffff:10.9.9.9').ok, true);
});

test('a grant by name opens that name only, and localhost only loopback', () => {
  const rules = egress({ grants: ['localhost:3000', 'nas.lan:80'] });
  assert.equal(checkAddress(rules, https('localhost', 3000), '::1').ok, true);
  assert.equal(checkAddress(rules, https('localhost', 3000), '10.0.0.1').ok, false);
  assert.equal(checkAddress(rules, https('other.example', 3000), '127.0.0.1').ok, false);
  assert.equal(checkAddress(rules, https('nas.lan', 80), '192.168.1.5').ok, true);
  assert.equal(checkAddress(rules, https('nas.lan', 80), '169.254.169.254').ok, false);
});

test('loopback cannot be granted in a cluster, metadata and link-local nowhere', () => {
  for (const text of ['127.0.0.1:80', '[::1]:80']) {
    assert.equal(parseEgressGrant(text, { local: false }).ok, false, text);
    assert.equal(parseEgressGrant(text, { local: true }).ok, true, text);
  }
  for (const text of ['169.254.169.254:80', '169.254.0.0/16', 'fe80::1', '0.0.0.0', '0.0.0.0/0', '::/0', '224.0.0.1']) {
    assert.equal(parseEgressGrant(text, { local: true }).ok, false, text);
  }
  // A wide block must not carry what lies inside of it.
  const wide = egress({ grants: ['160.0.0.0/4'] });
  assert.equal(checkAddress(wide, https('x.example', 80), '172.16.0.1').ok, true);
  assert.equal(checkAddress(wide, https('x.example', 80), '169.254.169.254').ok, false);
  const cluster = egress({ grants: ['120.0.0.0/5'], local: false });
  assert.equal(checkAddress(cluster, https('x.example', 80), '127.0.0.1').ok, false);
});

test('what the installation denies stays closed though it is global or granted', () => {
  const rules = egress({ denied: ['34.1.2.3/32', '10.96.0.1/32'], grants: ['10.96.0.0/12'] });
  assert.equal(checkAddress(rules, https('api.example'), '34.1.2.3').ok, false);
  assert.equal(checkAddress(rules, https('api.example'), '10.96.0.1').ok, false);
  assert.equal(checkAddress(rules, https('api.example'), '10.96.0.2').ok, true);
});

test('entries that are no host, block or port are refused with the way to write them', () => {
  for (const text of [
    '',
    'https://example.com',
    'example.com/path',
    'a b',
    '*',
    '*.*',
    '*.1.2.3.4',
    'a*.com',
    'example.com:0',
    'example.com:99999',
    'user@example.com',
    '[::1',
    '10.0.0.0/40',
    'x'.repeat(300),
  ]) {
    const parsed = parseEgressPattern(text);
    assert.equal(parsed.ok, false, text);
    if (!parsed.ok) assert.match(parsed.message, /write a host/);
  }
});

test('hosts are compared as URLs write them', () => {
  assert.equal(normaliseHost('EXAMPLE.com.'), 'example.com');
  assert.equal(normaliseHost('bücher.example'), 'xn--bcher-kva.example');
  assert.equal(normaliseHost('0x7f.1'), '127.0.0.1');
  assert.equal(normaliseHost('example.com..'), undefined);
});

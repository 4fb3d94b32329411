import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { prepareReceiver } from '../../test/builders/sample-receiver.ts';
import { secretsOf } from '../../test/builders/raw-request.ts';
import { receivers } from './catalogue.ts';
import { checkSecrets } from './check-secrets.ts';
import type { PreparedReceiver, ReceiverSecrets } from './types.ts';

const reference = { name: 's', key: 'k' };
const named = (path: string, secret: string): ReceiverSecrets => ({
  secrets: [],
  named: new Map([[path, Buffer.from(secret)]]),
});
const reasonOf = (receiver: PreparedReceiver, secrets: ReceiverSecrets, allowWeakSecrets = false): string | undefined =>
  checkSecrets(receiver, secrets, { allowWeakSecrets })?.reason;

test('weak and unusable secrets close a trigger wherever they are named', () => {
  const keyed = prepareReceiver('jwt', { keyRefs: [reference] });
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'short')), 'SecretTooWeak');
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'short'), true), undefined);
  assert.equal(
    reasonOf(keyed, named('keyRefs[0]', '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----')),
    'SecretMalformed',
  );
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'a shared secret of enough bytes')), undefined);
  const pusher = prepareReceiver('pusher', { keys: [{ id: 'a', secretRef: reference }] });
  assert.equal(reasonOf(pusher, named('keys[0].secretRef', 'tofu')), 'SecretTooWeak');
});

test('a key that the algorithms cannot use closes a trigger, and the message says what is needed', () => {
  const said = (receiver: PreparedReceiver, path: string, key: string): string | undefined =>
    checkSecrets(receiver, named(path, key), { allowWeakSecrets: false })?.message;
  const jwk = (type: 'ed25519' | 'ec'): string => {
    const { publicKey } =
      type === 'ed25519' ? generateKeyPairSync(type) : generateKeyPairSync(type, { namedCurve: 'P-256' });
    return JSON.stringify(publicKey.export({ format: 'jwk' }));
  };
  const keys = [
    { id: 'a', algorithm: 'ed25519', keyRef: reference },
    { id: 'b', algorithm: 'hmac-sha256', keyRef: { name: 's', key: 'k2' } },
  ];
  const signed = prepareReceiver('httpSignature', { keys });
  const shared = 'a shared secret of enough bytes';
  assert.equal(said(signed, 'keys[0].keyRef', jwk('ed25519')), undefined);
  assert.equal(said(signed, 'keys[1].keyRef', shared), undefined);
  assert.match(
    said(signed, 'keys[0].keyRef', shared) ?? '',
    /^keys\[0\]\.keyRef is no key for ed25519: put the public key/,
  );
  assert.match(said(signed, 'keys[0].keyRef', jwk('ec')) ?? '', /is no key for ed25519/);
  assert.match(
    said(signed, 'keys[1].keyRef', jwk('ec')) ?? '',
    /is no key for hmac-sha256: put the shared secret there/,
  );
  const token = prepareReceiver('jwt', { keyRefs: [reference], algorithms: ['ES256'] });
  assert.equal(said(token, 'keyRefs[0]', jwk('ec')), undefined);
  assert.match(
    said(token, 'keyRefs[0]', shared) ?? '',
    /is a key for HS256, HS384, HS512, but the algorithms are ES256/,
  );
});

test('a receiver that chooses its proof needs a secret for the proof that takes one', () => {
  assert.equal(reasonOf(prepareReceiver('azureAlert'), secretsOf()), 'SecretMissing');
  const byToken = prepareReceiver('azureAlert', { proof: { jwt: { jwksUrl: 'https://issuer.example.com/keys' } } });
  assert.equal(reasonOf(byToken, secretsOf()), undefined);
  assert.equal(reasonOf(prepareReceiver('pusher'), secretsOf()), 'SecretMissing');
});

test('mistakes in a proof are told with their path', () => {
  const mistakesOf = (name: string, fields: Readonly<Record<string, unknown>>): readonly string[] => {
    const result = receivers.get(name)?.prepare(fields);
    return result?.ok === false ? result.mistakes.map(({ path }) => path) : [];
  };
  assert.deepEqual(mistakesOf('azureAlert', { proof: { jwt: { jwksUrl: 'http://issuer.example.com/keys' } } }), [
    'proof.jwt.jwksUrl',
  ]);
  assert.deepEqual(mistakesOf('azureAlert', { proof: { basic: {} } }), ['proof.basic', 'proof']);
  assert.deepEqual(mistakesOf('cloudEvents', { proof: { bearer: {}, hmac: {} } }), ['proof']);
  assert.deepEqual(mistakesOf('cloudEvents', { proof: { hmac: {} } }), ['proof.hmac.signature']);
  assert.deepEqual(mistakesOf('salesforce', {}), ['organizationId']);
  assert.deepEqual(mistakesOf('awsSns', { topicArns: ['orders'] }), ['topicArns[0]']);
  assert.deepEqual(mistakesOf('mailchimp', { query: 'a', segment: 'b' }), ['query']);
});

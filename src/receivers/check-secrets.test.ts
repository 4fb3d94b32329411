import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretsOf } from '../../test/builders/raw-request.ts';
import { receivers } from './catalogue.ts';
import { checkSecrets } from './check-secrets.ts';
import type { PreparedReceiver, ReceiverSecrets } from './types.ts';

function prepare(name: string, fields: Readonly<Record<string, unknown>> = {}): PreparedReceiver {
  const result = receivers.get(name)?.prepare(fields);
  assert.ok(result?.ok, JSON.stringify(result));
  return result.receiver;
}

const reference = { name: 's', key: 'k' };
const named = (path: string, secret: string): ReceiverSecrets => ({
  secrets: [],
  named: new Map([[path, Buffer.from(secret)]]),
});
const reasonOf = (receiver: PreparedReceiver, secrets: ReceiverSecrets, allowWeakSecrets = false): string | undefined =>
  checkSecrets(receiver, secrets, { allowWeakSecrets })?.reason;

test('weak and unusable secrets close a trigger wherever they are named', () => {
  const keyed = prepare('jwt', { keyRefs: [reference] });
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'short')), 'SecretTooWeak');
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'short'), true), undefined);
  assert.equal(
    reasonOf(keyed, named('keyRefs[0]', '-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----')),
    'SecretMalformed',
  );
  assert.equal(reasonOf(keyed, named('keyRefs[0]', 'a shared secret of enough bytes')), undefined);
  const pusher = prepare('pusher', { keys: [{ id: 'a', secretRef: reference }] });
  assert.equal(reasonOf(pusher, named('keys[0].secretRef', 'tofu')), 'SecretTooWeak');
});

test('a receiver that chooses its proof needs a secret for the proof that takes one', () => {
  assert.equal(reasonOf(prepare('azureAlert'), secretsOf()), 'SecretMissing');
  const byToken = prepare('azureAlert', { proof: { jwt: { jwksUrl: 'https://issuer.example.com/keys' } } });
  assert.equal(reasonOf(byToken, secretsOf()), undefined);
  assert.equal(reasonOf(prepare('pusher'), secretsOf()), 'SecretMissing');
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

/** Fields and secrets with which each receiver of the catalogue can sign and verify in tests. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { receivers } from '../../src/receivers/catalogue.ts';
import type { PreparedReceiver, ReceiverDefinition, ReceiverSecrets, SignTools } from '../../src/receivers/types.ts';

const fields: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  hmac: {
    signature: { header: 'X-Acme-Signature', prefix: 'v1=', separator: ',' },
    signed: '{timestamp}.{body}',
    timestamp: { from: 'signature', field: 't' },
    id: { body: '/id' },
    type: { body: '/type' },
  },
  urlSecret: { query: 'code' },
  custom: { handler: 'verify' },
  jwt: {
    issuer: 'https://issuer.example.com/',
    audiences: ['https://hooks.example.com'],
    keyRefs: [
      { name: 'senders', key: 'jwt' },
      { name: 'senders', key: 'jwt2' },
    ],
  },
  httpSignature: {
    keys: [
      { id: 'one', algorithm: 'hmac-sha256', keyRef: { name: 'senders', key: 'httpSignature' } },
      { id: 'two', algorithm: 'hmac-sha256', keyRef: { name: 'senders', key: 'httpSignature2' } },
    ],
  },
  salesforce: { organizationId: '00D000000000001EAA' },
  grafana: { timestampHeader: 'X-Grafana-Alerting-Timestamp' },
  paypal: { webhookId: '4JH86294D6297924G' },
  awsSns: { topicArns: ['arn:aws:sns:eu-central-1:123456789012:orders'] },
};

/** Paths of named secrets, in the order in which keys are given. */
const named: Readonly<Record<string, readonly string[]>> = {
  jwt: ['keyRefs[0]', 'keyRefs[1]'],
  httpSignature: ['keys[0].keyRef', 'keys[1].keyRef'],
};

/** Receivers whose sender has a key that nobody else can have: tested in files of their own. */
export const certified: ReadonlySet<string> = new Set(['paypal', 'awsSns']);

/** Own fields of a receiver, valid and as rich as its tests need. */
export function sampleFields(definition: ReceiverDefinition): Readonly<Record<string, unknown>> {
  return fields[definition.profile.name] ?? {};
}

/** A receiver of the catalogue with these own fields, which must be good ones. */
export function prepareReceiver(name: string, given: Readonly<Record<string, unknown>> = {}): PreparedReceiver {
  const result = receivers.get(name)?.prepare(given);
  assert.ok(result?.ok, JSON.stringify(result));
  return result.receiver;
}

/** The same with its sample fields. */
export function prepareSample(definition: ReceiverDefinition): PreparedReceiver {
  const result = definition.prepare(sampleFields(definition));
  assert.ok(result.ok, JSON.stringify(result));
  return result.receiver;
}

/** A secret in the form the sender gives out; another one for each number. Discord's is a private key, so that it signs. */
export function sampleSecret(definition: ReceiverDefinition, number: number): Uint8Array {
  const { name } = definition.profile;
  const digest = hash('sha256', `${name} ${number}`, 'buffer');
  if (name === 'discord') return Buffer.from(`${digest.toString('hex')}${digest.toString('hex')}`);
  const encoded = ['standardWebhooks', 'gitlab', 'svix'].includes(name);
  return Buffer.from(encoded ? `whsec_${digest.toString('base64')}` : digest.toString('hex'));
}

/** The given secrets where this receiver expects them: in `secretRefs`, or in references of its own. */
export function secretsFor(definition: ReceiverDefinition, ...secrets: readonly Uint8Array[]): ReceiverSecrets {
  const paths = named[definition.profile.name];
  if (paths === undefined) return { secrets };
  return { secrets: [], named: new Map(secrets.map((secret, index) => [paths[index] ?? `spare[${index}]`, secret])) };
}

/** A clock that stands still, and ids that are easy to read. */
export const sampleTools: SignTools = { now: () => Date.UTC(2026, 0, 31, 10), newId: () => 'delivery-1' };

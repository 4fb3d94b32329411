/** Fields and secrets with which each receiver of the catalogue can sign and verify in tests. */
import { hash } from 'node:crypto';
import type { ReceiverDefinition, SignTools } from '../../src/receivers/types.ts';

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
};

/** Own fields of a receiver, valid and as rich as its tests need. */
export function sampleFields(definition: ReceiverDefinition): Readonly<Record<string, unknown>> {
  return fields[definition.profile.name] ?? {};
}

/** A secret in the form the sender gives out; another one for each number. */
export function sampleSecret(definition: ReceiverDefinition, number: number): Uint8Array {
  const digest = hash('sha256', `${definition.profile.name} ${number}`, 'buffer');
  const encoded = ['standardWebhooks', 'gitlab'].includes(definition.profile.name);
  return Buffer.from(encoded ? `whsec_${digest.toString('base64')}` : digest.toString('hex'));
}

/** A clock that stands still, and ids that are easy to read. */
export const sampleTools: SignTools = { now: () => Date.UTC(2026, 0, 31, 10), newId: () => 'delivery-1' };

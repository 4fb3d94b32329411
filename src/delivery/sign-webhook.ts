/** Signing outgoing webhooks per Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec, "Signature scheme"). */
import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/**
 * The key bytes of a secret as it is written down: `whsec_` and base64, or, for secrets made elsewhere, its own bytes.
 */
export function signingKey(secret: Uint8Array): Uint8Array {
  const text = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength).toString('latin1').trim();
  if (!text.startsWith(prefix)) return secret;
  return Buffer.from(text.slice(prefix.length), 'base64');
}

/** `id` stays over all attempts, the timestamp is the attempt's. The first secret's signature comes first; all are sent. */
export function signWebhook(
  id: string,
  timestampMs: number,
  body: Uint8Array,
  secrets: readonly Uint8Array[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const timestamp = String(Math.floor(timestampMs / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', signingKey(secret)).update(`${id}.${timestamp}.`).update(body);
    return `v1,${hmac.digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** `X-Hub-Signature-256` as GitHub sends it: the secret's own text is the key. */
export function signAsGithub(body: Uint8Array, secret: Uint8Array): readonly [string, string] {
  return ['x-hub-signature-256', `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`];
}

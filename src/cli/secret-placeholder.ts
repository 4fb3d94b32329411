/** Random secrets in the form that a sender gives out. */
import { randomBytes } from 'node:crypto';

/** Secrets whose form the sender dictates. */
const prefixed: ReadonlySet<string> = new Set(['standardWebhooks', 'gitlab', 'svix']);

/** `receiver`: its name, or the empty text for a secret of something else. */
export function newSecret(receiver: string): string {
  return prefixed.has(receiver) ? `whsec_${randomBytes(32).toString('base64')}` : randomBytes(32).toString('hex');
}

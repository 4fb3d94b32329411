/** `basic`: user and password in `Authorization: Basic …` (RFC 7617). */
import { decodeBase64 } from './decode-digest.ts';
import { genericProfile } from './generic-profile.ts';
import { singleHeader } from './read-header.ts';
import { defineTokenReceiver, tokenOf, type FoundToken } from './token-receiver.ts';
import type { RawRequest } from './types.ts';

/** Splits `Basic …` into user and password at the first colon. */
export function findBasic(request: RawRequest): FoundToken {
  const header = singleHeader(request, 'authorization');
  if (header.kind !== 'one') return tokenOf(header);
  const value = header.value;
  const decoded = value.slice(0, 6).toLowerCase() === 'basic ' ? decodeBase64(value.slice(6).trim()) : undefined;
  const colon = decoded?.indexOf(0x3a) ?? -1;
  if (decoded === undefined || colon === -1) return { ok: false, reason: 'TokenMalformed' };
  return { ok: true, token: decoded.subarray(colon + 1), subject: decoded.toString('utf8', 0, colon) };
}

export const basic = defineTokenReceiver({
  profile: genericProfile({
    name: 'basic',
    title: 'Basic authentication',
    documentation: 'https://www.rfc-editor.org/rfc/rfc7617',
    credentialHeaders: ['authorization'],
  }),
  guide: {
    secret: 'The password; the user name is free unless `usernames` lists those that may come in.',
    scheme: 'Equality of password and user, in constant time',
    replay: 'None: the password proves nothing about the body.',
    event: '`request`',
    vectors: [],
    sampleEvent: 'request',
  },
  fields: {
    usernames: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      'x-kubernetes-list-type': 'set',
      items: { type: 'string', minLength: 1, maxLength: 256, description: 'A user name.' },
      description: 'User names that may come in; without it any name with the right password.',
    },
  },
  setup: (fields) => {
    const usernames = fields.texts('usernames', 32);
    for (const [index, name] of (usernames ?? []).entries()) {
      if (name.includes(':')) fields.mistake(`usernames[${index}]`, 'must not contain a colon');
    }
    return {
      place: 'header authorization',
      find: findBasic,
      ...(usernames === undefined ? {} : { subjects: usernames }),
      attach: (secret) => {
        const pair = Buffer.concat([
          Buffer.from(`${usernames?.[0] ?? 'webhook'}:`, 'utf8'),
          Buffer.from(secret, 'latin1'),
        ]);
        return { headers: { authorization: `Basic ${pair.toString('base64')}` } };
      },
    };
  },
});

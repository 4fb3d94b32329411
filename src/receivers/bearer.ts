/** `bearer`: a token in `Authorization: Bearer …` (RFC 6750 §2.1), or as the whole value of a header of its own. */
import { wireBytes } from './compare-secret.ts';
import { genericProfile } from './generic-profile.ts';
import { singleHeader } from './read-header.ts';
import { defineTokenReceiver, tokenOf, type FoundToken } from './token-receiver.ts';
import type { RawRequest } from './types.ts';

function findBearer(request: RawRequest): FoundToken {
  const header = singleHeader(request, 'authorization');
  if (header.kind !== 'one') return tokenOf(header);
  const value = header.value;
  if (value.slice(0, 7).toLowerCase() !== 'bearer ') return { ok: false, reason: 'TokenMalformed' };
  return { ok: true, token: wireBytes(value.slice(7).trim()) };
}

export const bearer = defineTokenReceiver({
  profile: genericProfile({
    name: 'bearer',
    title: 'Bearer token',
    documentation: 'https://www.rfc-editor.org/rfc/rfc6750',
    credentialHeaders: ['authorization'],
  }),
  guide: {
    secret: 'The token the sender puts into `Authorization: Bearer …`.',
    scheme: 'Equality of the token, in constant time',
    replay: 'None: the token proves nothing about the body.',
    event: '`request`',
    vectors: [],
    sampleEvent: 'request',
  },
  fields: {
    header: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'Header that holds the token as its whole value (X-Api-Key), instead of Authorization: Bearer.',
    },
  },
  setup: (fields) => {
    const header = fields.header('header');
    if (header === undefined) {
      return {
        place: 'header authorization',
        find: findBearer,
        attach: (secret) => ({ headers: { authorization: `Bearer ${secret}` } }),
      };
    }
    return {
      place: `header ${header}`,
      find: (request) => tokenOf(singleHeader(request, header)),
      credentialHeaders: [header],
      attach: (secret) => ({ headers: { [header]: secret } }),
    };
  },
});

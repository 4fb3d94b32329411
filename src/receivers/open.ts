/** `open`: anyone may call. Chosen by name, so that nobody is open by leaving something out. */
import { genericProfile, requestEvent } from './generic-profile.ts';
import { FieldReader } from './read-fields.ts';
import type { ReceiverDefinition } from './types.ts';
import { accept } from './verdict.ts';

const profile = genericProfile({
  name: 'open',
  title: 'Anyone',
  documentation: 'https://www.rfc-editor.org/rfc/rfc9110',
  minimumSecretBytes: 0,
  secretsRequired: 0,
});

/** The same of every request: nobody writes to it. */
const anyone = accept('none', [{ step: 'open', ok: true, detail: 'anyone may call' }]);

export const open: ReceiverDefinition = {
  profile,
  guide: {
    secret: 'None.',
    scheme: 'Nothing is checked',
    replay: 'None.',
    event: '`request`',
    vectors: [],
    sampleEvent: 'request',
  },
  fields: {},
  required: [],
  prepare: (fields) => {
    const reader = new FieldReader(fields);
    reader.allowOnly([]);
    if (reader.has('secretRefs')) {
      // A secret here reads as if it were checked.
      reader.mistake('secretRefs', 'is never checked by open: use bearer, basic or hmac, or remove it');
    }
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return {
      ok: true,
      receiver: {
        profile,
        warnings: [],
        credentialHeaders: [],
        credentialQuery: [],
        credentialParams: [],
        checkSecret: () => undefined,
        keyLength: (secret) => secret.length,
        handshake: () => undefined,
        verify: () => anyone,
        identify: () => requestEvent,
      },
    };
  },
  sign: (_event, body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body }),
};

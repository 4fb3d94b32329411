/** `custom`: the function itself verifies, in Lua: `verify(request, secrets)` answers `{ id, type }` or `nil, reason`. */
import { deliveryId, eventName } from './event-name.ts';
import { genericProfile, requestEvent } from './generic-profile.ts';
import { secretReferences } from '../function/schema-parts.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import type { Identified, ReceiverDefinition, Verdict, VerifiedSender, VerifierAnswer } from './types.ts';
import { refuse } from './verdict.ts';

const profile = genericProfile({
  name: 'custom',
  title: 'Verifier in Lua',
  documentation: 'https://www.lua.org/manual/5.4/',
  duplicateBy: 'id',
  minimumSecretBytes: 16,
  secretsRequired: 0,
});

function toVerdict(handler: string, answer: VerifierAnswer): Verdict {
  if (!answer.ok) return refuse('VerifierRefused', handler, [], answer.reason.slice(0, 200));
  return {
    verdict: 'verified',
    proof: 'signature',
    identity: {
      ...(answer.id === undefined ? {} : { id: answer.id }),
      ...(answer.type === undefined ? {} : { type: answer.type }),
    },
    steps: [{ step: handler, ok: true, detail: 'the Lua verifier let the request in' }],
  };
}

function identify(verdict: VerifiedSender): Identified {
  const word = verdict.identity?.type;
  const id = deliveryId(verdict.identity?.id);
  const name = word === undefined || word === '' ? requestEvent.name : eventName(word);
  // Nobody but the verifier knows whether the id is signed: the body is part of the duplicate key.
  return {
    name,
    type: `dev.moonhook.http.${name}`,
    ...(id === undefined ? {} : { deliveryId: id }),
    idSigned: false,
  };
}

function readHandler(fields: Fields): { handler: string; reader: FieldReader } {
  const reader = new FieldReader(fields);
  const handler = reader.text('handler', { max: 64, pattern: /^[A-Za-z_][A-Za-z0-9_]*$/, form: 'a Lua name' });
  if (!reader.has('handler')) reader.mistake('handler', 'is required: the name of the function in the module');
  reader.allowOnly(['handler']);
  return { handler: handler ?? '', reader };
}

const exampleCode = `local function verify(request, secrets)
  local given = request.headers["x-acme-signature"] or ""
  for _, secret in ipairs(secrets) do
    if crypto.equal(crypto.hmac("sha256", secret, request.body, "hex"), given) then
      return { id = request.headers["x-acme-delivery"], type = request.headers["x-acme-event"] }
    end
  end
  return nil, "no secret gives this signature"
end

local function handle(event)
  return { received = event.name }
end

return { verify = verify, custom = handle }
`;

export const custom: ReceiverDefinition = {
  profile,
  guide: {
    secret: 'Whatever the verifier wants; it gets all of them as a list.',
    example: { handler: 'verify' },
    exampleCode,
    trial: 'Replace the name of the headers and what is signed with those of the sender.',
    scheme: 'Lua without I/O, at most 50 ms',
    replay: 'As the verifier does it.',
    event: '`type` of its answer; else `request`',
    id: '`id` of its answer',
    vectors: [],
    sampleEvent: 'request',
  },
  fields: {
    secretRefs: secretReferences('Secrets handed to the verifier as a list.', 1),
    handler: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description:
        'Function of the module that verifies: verify(request, secrets) gives { id, type }, or nil and a reason.',
    },
  },
  required: ['handler'],
  prepare: (fields) => {
    const { handler, reader } = readHandler(fields);
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return {
      ok: true,
      receiver: {
        profile,
        warnings: [],
        credentialHeaders: [],
        credentialQuery: [],
        credentialParams: [],
        checkSecret: (secret) => (secret.length === 0 ? 'is empty' : undefined),
        keyLength: (secret) => secret.length,
        handshake: () => undefined,
        verify: async (request, { secrets }, tools) => {
          if (tools.runVerifier === undefined) return refuse('VerifierUnavailable', handler);
          try {
            return toVerdict(handler, await tools.runVerifier(handler, request, secrets));
          } catch (error) {
            // Fails closed; the message of a Lua error may hold what the verifier saw, so only its kind goes on.
            return refuse('VerifierFailed', handler, [], error instanceof Error ? error.name : 'error');
          }
        },
        identify: (_request, verdict) => identify(verdict),
      },
    };
  },
  sign: (_event, body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body }),
};

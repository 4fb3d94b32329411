/** `jwt`: a signed token in `Authorization: Bearer …` (RFC 7519), verified with given keys or those its issuer publishes. */
import { decodeProtectedHeader, errors } from 'jose';
import { hasPlainHeader, readClaims } from './check-claims.ts';
import { genericProfile, requestEvent } from './generic-profile.ts';
import { jwtFields, readJwtOptions, type JwtOptions } from './jwt-fields.ts';
import { algorithmsOf, makeToken, readJwtKey } from './jwt-key.ts';
import { createKeySets, verifyWithKeys, verifyWithSet, type TokenVerdict } from './jwt-verify.ts';
import { createKeyring } from './keyring.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { singleHeader } from './read-header.ts';
import type {
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  Verdict,
  VerifyTools,
} from './types.ts';
import { refuse } from './verdict.ts';

const profile = genericProfile({
  name: 'jwt',
  title: 'JSON Web Token',
  documentation: 'https://www.rfc-editor.org/rfc/rfc7519',
  credentialHeaders: ['authorization'],
  secretsRequired: 0,
});

const maxTokenLength = 16_384;
const keyring = createKeyring(readJwtKey);

function findToken(request: RawRequest): { readonly token: string } | { readonly refused: Verdict } {
  const header = singleHeader(request, 'authorization');
  if (header.kind === 'none') return { refused: refuse('TokenMissing', 'token', [], 'header authorization') };
  if (header.kind === 'many') return { refused: refuse('TokenRepeated', 'token', [], 'header authorization') };
  const token = /^bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(header.value.slice(0, maxTokenLength))?.[1];
  if (token === undefined || header.value.length > maxTokenLength) {
    return { refused: refuse('TokenMalformed', 'token', [], 'header authorization') };
  }
  return { token };
}

/** What the token says of itself, looked at before any key is fetched; nothing is believed yet. */
function screen(token: string, options: JwtOptions): Verdict | undefined {
  if (!hasPlainHeader(token)) return refuse('TokenMalformed', 'token');
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg === undefined || !options.algorithms.some((known) => known === alg)) {
      return refuse('TokenMalformed', 'algorithm', [], 'it is not one of those listed');
    }
    const claims = readClaims(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
    if (claims === undefined) return refuse('TokenMalformed', 'token');
    if (options.issuer !== undefined && claims['iss'] !== options.issuer) {
      return refuse('ClaimMismatch', 'claims', [], 'iss');
    }
    return undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return refuse('TokenMalformed', 'token');
    throw error;
  }
}

function toVerdict(verdict: TokenVerdict, options: JwtOptions): Verdict {
  if (!verdict.ok) return refuse(verdict.reason, verdict.step, [], verdict.detail);
  const { payload } = verdict;
  for (const [name, wanted] of Object.entries(options.claims)) {
    const given = payload[name];
    const values: readonly unknown[] = Array.isArray(given) ? given : [given];
    if (!values.includes(wanted)) return refuse('ClaimMismatch', 'claims', [], name);
  }
  return {
    verdict: 'verified',
    proof: 'signature',
    ...(typeof payload['sub'] === 'string' ? { subject: payload['sub'] } : {}),
    claims: payload,
    steps: [{ step: 'token', ok: true, detail: `signature, time and claims, ${verdict.by}` }],
  };
}

/** A key that no listed algorithm can use would refuse everybody. */
function checkKey(secret: Uint8Array, algorithms: JwtOptions['algorithms']): string | undefined {
  const key = readJwtKey(secret);
  if (key === undefined) return 'is neither PEM, a JWK nor a shared secret';
  const fitting = algorithmsOf(key);
  if (algorithms.some((algorithm) => fitting.includes(algorithm))) return undefined;
  const kind = fitting.length === 0 ? 'for no algorithm there is here' : `for ${fitting.join(', ')}`;
  return `is a key ${kind}, but the algorithms are ${algorithms.join(', ')}`;
}

function prepareWith(options: JwtOptions): PreparedReceiver {
  const sets = createKeySets();
  const secretsOf = (secrets: ReceiverSecrets): readonly Uint8Array[] => {
    const named = options.keyPaths.flatMap((path) => secrets.named?.get(path) ?? []);
    return [...named, ...secrets.secrets];
  };
  return {
    profile,
    fetches: options.jwksUrl !== undefined,
    credentialHeaders: profile.credentialHeaders,
    credentialQuery: [],
    credentialParams: [],
    warnings: options.audiences === undefined ? ['no audiences: a token made for another service passes too'] : [],
    checkSecret: (secret) => checkKey(secret, options.algorithms),
    keyLength: (secret) => readJwtKey(secret)?.symmetricKeySize ?? 32,
    handshake: () => undefined,
    verify: async (request, secrets, tools: VerifyTools) => {
      const given = secretsOf(secrets);
      if (options.jwksUrl === undefined && given.length === 0) return refuse('NoSecret', 'secrets');
      const found = findToken(request);
      if ('refused' in found) return found.refused;
      const refused = screen(found.token, options);
      if (refused !== undefined) return refused;
      if (options.jwksUrl !== undefined) {
        return toVerdict(await verifyWithSet(found.token, options, options.jwksUrl, sets, tools), options);
      }
      const keys = keyring.keys(given);
      if (keys.length === 0) return refuse('SecretMalformed', 'secrets');
      return toVerdict(await verifyWithKeys(found.token, options, keys, tools.now()), options);
    },
    identify: () => requestEvent,
  };
}

function read(fields: Fields): { readonly options: JwtOptions; readonly reader: FieldReader } {
  const reader = new FieldReader(fields);
  return { options: readJwtOptions(reader, fields), reader };
}

export const jwt: ReceiverDefinition = {
  profile,
  guide: {
    secret: '`keyRefs`: public keys (PEM or JWK), or shared secrets for HS256; none with `jwksUrl`.',
    example: {
      issuer: 'https://issuer.example.com/',
      audiences: ['https://hooks.example.com'],
      jwksUrl: 'https://issuer.example.com/.well-known/jwks.json',
    },
    scheme: 'Signature of the token by one of the listed algorithms, issuer, audience, time (`exp`, `nbf`) and claims',
    replay: 'Until the token expires; the body is not covered.',
    event: '`request`',
    vectors: ['jwt-rfc7515-a1'],
    interop: 'jose',
    sampleEvent: 'request',
  },
  fields: jwtFields,
  required: [],
  prepare: (fields) => {
    const { options, reader } = read(fields);
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return { ok: true, receiver: prepareWith(options) };
  },
  secretFields: (fields) => {
    const { options } = read(fields);
    return options.keyPaths.flatMap((path, index) => {
      const reference = options.keyRefs[index];
      return reference === undefined ? [] : [{ path, reference }];
    });
  },
  sign: (_event, body, _url, fields, secrets, tools) => {
    const { options } = read(fields);
    const secret = options.keyPaths.flatMap((path) => secrets.named?.get(path) ?? [])[0] ?? secrets.secrets[0];
    const key = secret === undefined ? undefined : readJwtKey(secret);
    if (key === undefined) throw new Error('jwt: the key that signs is missing; with jwksUrl only the issuer has it');
    const algorithm = options.algorithms.find((name) => algorithmsOf(key).includes(name));
    if (algorithm === undefined) throw new Error('jwt: no listed algorithm fits the key');
    const now = Math.floor(tools.now() / 1000);
    const claims = {
      ...options.claims,
      ...(options.issuer === undefined ? {} : { iss: options.issuer }),
      ...(options.audiences === undefined ? {} : { aud: options.audiences[0] }),
      sub: 'webhook',
      iat: now,
      exp: now + 300,
      jti: tools.newId(),
    };
    const authorization = `Bearer ${makeToken(claims, key, algorithm)}`;
    return { method: 'POST', headers: { 'content-type': 'application/json', authorization }, body };
  },
};

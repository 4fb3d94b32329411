/** `crypto.jwt_sign` and `crypto.jwt_verify`: JSON Web Tokens (RFC 7519) by `jose`. */
import type { KeyObject } from 'node:crypto';
import { CompactSign, compactVerify, errors as joseErrors } from 'jose';
import { Results, type HostArguments, type LuaKey, type LuaValue } from '../lua/types.ts';
import { checkClaims, hasPlainHeader } from '../receivers/check-claims.ts';
import { failed, readOptions, textOption, waiting } from './define.ts';
import { decodeJson } from './json-decode.ts';
import { JsonProblem } from './json-problem.ts';
import { encodeJson, EncodeProblem } from './json-encode.ts';
import { jsonDecodeLimits } from './json.ts';
import { readKey, signatureWork } from './jwt-key.ts';
import type { HostEntry } from './types.ts';

const symmetric = ['HS256', 'HS384', 'HS512'] as const;
const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
const tokenCap = 64 * 1024;

function allowedFor(key: KeyObject): readonly string[] {
  return key.type === 'secret' ? symmetric : asymmetric;
}

function algorithmsOption(args: HostArguments, position: number, given: unknown, key: KeyObject): readonly string[] {
  const known = allowedFor(key);
  if (given === undefined) return key.type === 'secret' ? ['HS256'] : known;
  const list = (Array.isArray(given) ? given : [given]) as readonly unknown[];
  for (const name of list) {
    if (typeof name !== 'string' || !known.includes(name)) {
      return args.fail(
        position,
        `algorithms: "${String(name).slice(0, 32)}" does not fit the key; known are ${known.join(', ')}`,
      );
    }
  }
  return list.map(String);
}

type Claims = Map<LuaKey, LuaValue>;

function claimsOf(args: HostArguments, position: number): Claims {
  const value: LuaValue = args.value(position);
  if (value instanceof Map) return value;
  return Array.isArray(value) && value.length === 0
    ? new Map<LuaKey, LuaValue>()
    : args.fail(position, 'a table of claims expected');
}

/** Our own writer: the claims of a tenant pass through no object of the process. */
function payloadOf(args: HostArguments, position: number, claims: Claims): Uint8Array {
  try {
    return Buffer.from(encodeJson(claims));
  } catch (error) {
    return args.fail(position, error instanceof EncodeProblem ? error.message : 'claims have no JSON form');
  }
}

export const jwtEntries: readonly HostEntry[] = [
  {
    name: 'crypto.jwt_sign',
    summary: 'Signs claims as a JSON Web Token. `iat` is set if absent.',
    parameters: [
      { name: 'claims', type: 'table', description: 'the payload; times are seconds' },
      {
        name: 'key',
        type: 'string',
        description: 'a secret of at least 16 bytes, or a private key in PEM (PKCS #8 or SEC 1)',
      },
      {
        name: 'options',
        type: '{alg?: string, kid?: string, expires_in?: number}?',
        description: '`alg` (default HS256 for a secret, else by the key), `kid`, `expires_in` in seconds',
      },
    ],
    returns: [
      { name: 'token', type: 'string?', description: 'compact form' },
      { name: 'err', type: 'moonhook.Error?', description: 'why it cannot be signed' },
    ],
    errors: [
      'raises for claims without JSON form, an unusable key or an algorithm that does not fit it',
      'waits: not available in filters and while a module loads',
    ],
    answersError: true,
    example: `return function()
  local secret = "0123456789abcdef0123456789abcdef"
  local token = assert(crypto.jwt_sign({ sub = "42" }, secret, { expires_in = 60 }))
  local claims = assert(crypto.jwt_verify(token, secret))
  assert(claims.sub == "42" and claims.exp - claims.iat == 60)
end`,
    caps: 'token ≤ 64 KiB, RSA keys ≤ 4,096 bits; one host call; costs CPU by the key',
    implementation: waiting('crypto.jwt_sign', async (args, call) => {
      const claims = claimsOf(args, 1);
      const key = readKey(args, 2, 'sign');
      const options = readOptions(args, 3, ['alg', 'kid', 'expires_in']);
      const alg = textOption(args, 3, options, 'alg') ?? defaultAlgorithm(key);
      if (!allowedFor(key).includes(alg)) return args.fail(3, `alg "${alg.slice(0, 32)}" does not fit the key`);
      const kid = textOption(args, 3, options, 'kid');
      const expires = options.get('expires_in');
      if (expires !== undefined && (typeof expires !== 'number' || !(expires > 0)))
        return args.fail(3, 'expires_in must be seconds above 0');
      const now = Math.floor(call.now() / 1000);
      const payload = new Map<LuaKey, LuaValue>([['iat', now], ...claims]);
      if (typeof expires === 'number') payload.set('exp', now + Math.floor(expires));
      const bytes = payloadOf(args, 1, payload);
      call.charge(signatureWork(key, 'sign'));
      try {
        const token = await new CompactSign(bytes)
          .setProtectedHeader({ alg, typ: 'JWT', ...(kid === undefined ? {} : { kid }) })
          .sign(key);
        return token.length > tokenCap ? failed('the token would be longer than 64 KiB') : token;
      } catch (error) {
        return failed(`the token cannot be signed: ${reasonOf(error)}`);
      }
    }),
  },
  {
    name: 'crypto.jwt_verify',
    summary: 'Verifies a JSON Web Token: signature, `exp`, `nbf`, and issuer and audience where given.',
    parameters: [
      { name: 'token', type: 'string', description: 'compact form, without `Bearer`' },
      {
        name: 'key',
        type: 'string',
        description: 'a secret of at least 16 bytes, or a public key or certificate in PEM',
      },
      {
        name: 'options',
        type: '{algorithms?: string[], issuer?: string, audience?: string, leeway?: number}?',
        description:
          '`algorithms` (default HS256 for a secret, else those of the key), `issuer`, `audience`, `leeway` in seconds (default 0, at most 300)',
      },
    ],
    returns: [
      { name: 'claims', type: 'table?', description: 'the payload' },
      { name: 'err', type: 'moonhook.Error?', description: 'why the token is refused' },
    ],
    errors: [
      'answers `nil, err` for every token that is not valid',
      'raises for an unusable key or an algorithm that does not fit it',
      'waits: not available in filters and while a module loads',
    ],
    answersError: true,
    example: `return function()
  local claims, err = crypto.jwt_verify("eyJhbGciOiJub25lIn0.e30.", "0123456789abcdef0123456789abcdef")
  assert(claims == nil and err.message)
end`,
    caps: 'token ≤ 64 KiB; one host call; costs CPU by the key',
    implementation: waiting('crypto.jwt_verify', async (args, call) => {
      const token = args.text(1);
      const key = readKey(args, 2, 'verify');
      const options = readOptions(args, 3, ['algorithms', 'issuer', 'audience', 'leeway']);
      const algorithms = algorithmsOption(args, 3, options.get('algorithms'), key);
      const issuer = textOption(args, 3, options, 'issuer');
      const audience = textOption(args, 3, options, 'audience');
      const leeway = options.get('leeway') ?? 0;
      if (typeof leeway !== 'number' || !(leeway >= 0) || leeway > 300)
        return args.fail(3, 'leeway must be seconds from 0 to 300');
      if (token.length > tokenCap) return failed('the token is longer than 64 KiB');
      if (!hasPlainHeader(token)) return failed('the token is refused: its header is not valid');
      call.charge(signatureWork(key, 'verify'));
      try {
        const { payload, protectedHeader } = await compactVerify(token, key, { algorithms: [...algorithms] });
        // RFC 7797: what is signed would not be what is read.
        if (protectedHeader.b64 === false) return failed('the token is refused: its payload is not encoded');
        const verdict = checkClaims(payload, {
          ...(issuer === undefined ? {} : { issuer }),
          ...(audience === undefined ? {} : { audiences: [audience] }),
          toleranceSeconds: leeway,
          nowMs: call.now(),
          endRequired: false,
        });
        if (!verdict.ok) return failed(`the token is refused: ${whyRefused[verdict.why]}${aboutClaim(verdict.claim)}`);
        return new Results(decodeJson(Buffer.from(payload).toString('utf8'), jsonDecodeLimits));
      } catch (error) {
        if (error instanceof JsonProblem) return failed('the token is refused: its payload is over the limits of JSON');
        return failed(`the token is refused: ${reasonOf(error)}`);
      }
    }),
  },
];

const whyRefused = {
  malformed: 'its payload is no JSON object',
  mismatch: 'it is not for here',
  expired: 'it has expired',
  early: 'it is not valid yet',
} as const;

const aboutClaim = (claim: string | undefined): string => (claim === undefined ? '' : ` (claim "${claim}")`);

const algorithmOfCurve: ReadonlyMap<string | undefined, string> = new Map([
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
]);

function defaultAlgorithm(key: KeyObject): string {
  if (key.type === 'secret') return 'HS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key.asymmetricKeyType !== 'ec') return 'RS256';
  return algorithmOfCurve.get(key.asymmetricKeyDetails?.namedCurve) ?? 'ES256';
}

function reasonOf(error: unknown): string {
  return error instanceof joseErrors.JOSEError || error instanceof TypeError ? error.message : 'not valid';
}

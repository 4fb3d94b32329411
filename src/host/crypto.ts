/** `crypto`: hashes, HMAC, comparison in constant time, random bytes, Ed25519. */
import {
  createHash,
  createHmac,
  createPublicKey,
  randomBytes,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import type { HostArguments, HostCall, HostFunction } from '../lua/types.ts';
import { cappedBytes, inHandler, oneOf, pure } from './define.ts';
import { jwtEntries } from './jwt.ts';
import type { HostContext, HostEntry, HostModule } from './types.ts';

const cap = 4 * 1024 * 1024;
const keyCap = 64 * 1024;
const encodings = ['hex', 'base64', 'base64url'] as const;
const algorithms = ['sha256', 'sha512', 'sha384', 'sha1', 'md5'] as const;
const caps = 'input ≤ 4 MiB; costs CPU per byte';
const encoding = { name: 'encoding', type: '"hex"|"base64"|"base64url"?', description: 'text instead of bytes' };
const digest = { name: 'digest', type: 'string', description: 'bytes, or text in the encoding asked for' };

function encoded(args: HostArguments, position: number, bytes: Buffer): string | Uint8Array {
  const form = oneOf(args, position, encodings);
  return form === undefined ? bytes : bytes.toString(form);
}

function hash(algorithm: 'sha1' | 'sha256' | 'sha512' | 'md5', title: string, example: string): HostEntry {
  const name = `crypto.${algorithm}`;
  return {
    name,
    summary: `${title} of bytes.`,
    parameters: [{ name: 'bytes', type: 'string', description: 'any bytes' }, encoding],
    returns: [digest],
    errors: ['raises if the input is over the cap or the encoding unknown'],
    example,
    caps,
    implementation: pure(name, (args, call) =>
      encoded(
        args,
        2,
        createHash(algorithm)
          .update(cappedBytes(args, call, 1, cap))
          .digest(),
      ),
    ),
  };
}

/** Compares through a keyed hash, so that neither length nor content decides how long it takes. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  const key = randomBytes(32);
  const mac = (bytes: Uint8Array): Buffer => createHmac('sha256', key).update(bytes).digest();
  return timingSafeEqual(mac(a), mac(b)) && a.length === b.length;
}

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');

/** So many bytes as they are, or as hexadecimal digits. */
function bytesOrHex(given: Uint8Array, text: string, length: number): Uint8Array | undefined {
  if (given.length === length) return given;
  return text.length === 2 * length && /^[0-9a-fA-F]+$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** An Ed25519 public key as 32 bytes, 64 hexadecimal digits, or SPKI in PEM. */
function readEd25519Key(given: Uint8Array): KeyObject | undefined {
  const text = Buffer.from(given).toString('latin1').trim();
  const raw = bytesOrHex(given, text, 32);
  try {
    const key =
      raw === undefined
        ? createPublicKey(text)
        : createPublicKey({ key: Buffer.concat([ed25519Prefix, raw]), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

const ed25519Verify: HostFunction<HostContext> = pure('crypto.ed25519_verify', (args, call: HostCall<HostContext>) => {
  const key = readEd25519Key(cappedBytes(args, call, 1, keyCap));
  const message = cappedBytes(args, call, 2, cap);
  const given = cappedBytes(args, call, 3, 1024);
  if (key === undefined)
    return args.fail(1, 'an Ed25519 public key as 32 bytes, 64 hexadecimal digits or PEM expected');
  const text = Buffer.from(given).toString('latin1');
  const signature = bytesOrHex(given, text, 64);
  return signature !== undefined && verify(null, message, key, signature);
});

export const crypto: HostModule = {
  name: 'crypto',
  summary:
    'Hashes, message authentication, random bytes, signatures. Bytes by default, text with an encoding as last argument.',
  entries: [
    hash(
      'sha256',
      'SHA-256',
      `return function()
  assert(crypto.sha256("abc", "hex") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
end`,
    ),
    hash(
      'sha512',
      'SHA-512',
      `return function()
  assert(#crypto.sha512("abc") == 64)
end`,
    ),
    hash(
      'sha1',
      'SHA-1 (broken against collisions: only where a protocol asks for it)',
      `return function()
  assert(crypto.sha1("abc", "hex") == "a9993e364706816aba3e25717850c26c9cd0d89d")
end`,
    ),
    hash(
      'md5',
      'MD5 (broken: only where a protocol asks for it)',
      `return function()
  assert(crypto.md5("abc", "hex") == "900150983cd24fb0d6963f7d28e17f72")
end`,
    ),
    {
      name: 'crypto.hmac',
      summary: 'HMAC (RFC 2104) of bytes with a key.',
      parameters: [
        { name: 'algorithm', type: '"sha256"|"sha512"|"sha384"|"sha1"|"md5"', description: 'the hash' },
        { name: 'key', type: 'string', description: 'the key as bytes' },
        { name: 'bytes', type: 'string', description: 'what is authenticated' },
        encoding,
      ],
      returns: [digest],
      errors: ['raises for an unknown hash or encoding, or input over the cap'],
      example: `return function(event)
  local mac = crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog", "hex")
  assert(mac == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
end`,
      caps: `${caps}; key ≤ 64 KiB`,
      implementation: pure('crypto.hmac', (args, call) => {
        const algorithm = oneOf(args, 1, algorithms);
        if (algorithm === undefined) return args.fail(1, 'string expected, got nil');
        const key = cappedBytes(args, call, 2, keyCap);
        return encoded(
          args,
          4,
          createHmac(algorithm, key)
            .update(cappedBytes(args, call, 3, cap))
            .digest(),
        );
      }),
    },
    {
      name: 'crypto.equal',
      summary:
        'Whether two strings are equal, in a time that tells nothing about them. Use it for signatures and tokens.',
      parameters: [
        { name: 'a', type: 'string', description: 'any bytes' },
        { name: 'b', type: 'string', description: 'any bytes' },
      ],
      returns: [{ name: 'equal', type: 'boolean', description: 'true if all bytes are the same' }],
      errors: ['raises if an argument is not a string'],
      example: `return function()
  assert(crypto.equal("token", "token") and not crypto.equal("token", "tokem"))
end`,
      caps: 'each ≤ 1 MiB; costs CPU per byte',
      implementation: pure('crypto.equal', (args, call) =>
        equal(cappedBytes(args, call, 1, 1_048_576), cappedBytes(args, call, 2, 1_048_576)),
      ),
    },
    {
      name: 'crypto.random',
      summary: 'Random bytes from the operating system.',
      parameters: [{ name: 'count', type: 'integer', description: '1 to 4096' }, encoding],
      returns: [{ name: 'bytes', type: 'string', description: 'bytes, or text in the encoding asked for' }],
      errors: ['raises if the count is out of range; not available while a module loads'],
      example: `return function()
  assert(#crypto.random(16) == 16 and #crypto.random(16, "hex") == 32)
end`,
      caps: '≤ 4,096 bytes',
      implementation: inHandler('crypto.random', (args, call) => {
        const count = args.integer(1);
        if (count < 1 || count > 4_096) return args.fail(1, 'a count from 1 to 4096 expected');
        return encoded(args, 2, Buffer.from(call.randomBytes(count)));
      }),
    },
    {
      name: 'crypto.ed25519_verify',
      summary: 'Whether an Ed25519 signature (RFC 8032) of a message is right.',
      parameters: [
        { name: 'public_key', type: 'string', description: '32 bytes, 64 hexadecimal digits, or PEM' },
        { name: 'message', type: 'string', description: 'the signed bytes' },
        { name: 'signature', type: 'string', description: '64 bytes or 128 hexadecimal digits' },
      ],
      returns: [{ name: 'valid', type: 'boolean', description: 'false also for a signature of the wrong length' }],
      errors: ['raises if the key is not an Ed25519 public key'],
      example: `return function()
  -- RFC 8032 §7.1, test 1
  local key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
  local signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
  assert(crypto.ed25519_verify(key, "", signature))
  assert(not crypto.ed25519_verify(key, "x", signature))
end`,
      caps: 'message ≤ 4 MiB',
      implementation: ed25519Verify,
    },
    ...jwtEntries,
  ],
};

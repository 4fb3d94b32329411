/** `base64` and `hex`: bytes as text and back. */
import { cappedBytes, failed, pure } from './define.ts';
import type { HostEntry, HostModule } from './types.ts';

const cap = 4 * 1024 * 1024;
const caps = 'input ≤ 4 MiB; costs CPU per byte';
const bytes = { name: 'bytes', type: 'string', description: 'any bytes' };
const text = { name: 'text', type: 'string', description: 'the encoded text' };
const error = { name: 'err', type: 'moonhook.Error?', description: 'where the text is malformed' };

/** Decodes only canonical text: no foreign characters, right padding, no leftover bits. */
function decodeBase64(input: Uint8Array, form: 'base64' | 'base64url'): Uint8Array | undefined {
  const given = Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('latin1');
  const decoded = Buffer.from(given, form);
  if (form === 'base64') return decoded.toString('base64') === given ? decoded : undefined;
  return decoded.toString('base64url') === given.replace(/={1,2}$/, '') &&
    (!given.endsWith('=') || given.length % 4 === 0)
    ? decoded
    : undefined;
}

function base64Pair(
  encode: string,
  decode: string,
  form: 'base64' | 'base64url',
  title: string,
  example: string,
): readonly HostEntry[] {
  return [
    {
      name: encode,
      summary: `Encodes bytes as ${title}.`,
      parameters: [bytes],
      returns: [text],
      errors: ['raises if the input is over the cap'],
      example,
      caps,
      implementation: pure(encode, (args, call) => Buffer.from(cappedBytes(args, call, 1, cap)).toString(form)),
    },
    {
      name: decode,
      summary: `Decodes ${title}; foreign characters, wrong padding and leftover bits are errors.`,
      parameters: [text],
      returns: [{ ...bytes, type: 'string?', description: 'the decoded bytes' }, error],
      errors: ['answers `nil, err` for malformed text', 'raises if the input is over the cap'],
      answersError: true,
      example: `return function()
  local bytes, err = ${decode}("not valid!")
  assert(bytes == nil and tostring(err):find("base64"))
  assert(${decode}(${encode}("a\\0b")) == "a\\0b")
end`,
      caps,
      implementation: pure(
        decode,
        (args, call) => decodeBase64(cappedBytes(args, call, 1, cap), form) ?? failed(`the text is not valid ${title}`),
      ),
    },
  ];
}

export const base64: HostModule = {
  name: 'base64',
  summary: 'Base64 (RFC 4648 §4) and its URL-safe form without padding (§5).',
  entries: [
    ...base64Pair(
      'base64.encode',
      'base64.decode',
      'base64',
      'base64',
      `return function()
  assert(base64.encode("hello") == "aGVsbG8=")
end`,
    ),
    ...base64Pair(
      'base64.encode_url',
      'base64.decode_url',
      'base64url',
      'URL-safe base64',
      `return function()
  assert(base64.encode_url("\\xfb\\xff") == "-_8")
end`,
    ),
  ],
};

export const hex: HostModule = {
  name: 'hex',
  summary: 'Hexadecimal text.',
  entries: [
    {
      name: 'hex.encode',
      summary: 'Encodes bytes as lower-case hexadecimal digits.',
      parameters: [bytes],
      returns: [text],
      errors: ['raises if the input is over the cap'],
      example: `return function()
  assert(hex.encode("\\0\\xff") == "00ff")
end`,
      caps,
      implementation: pure('hex.encode', (args, call) => Buffer.from(cappedBytes(args, call, 1, cap)).toString('hex')),
    },
    {
      name: 'hex.decode',
      summary: 'Decodes hexadecimal digits of either case.',
      parameters: [text],
      returns: [{ ...bytes, type: 'string?', description: 'the decoded bytes' }, error],
      errors: [
        'answers `nil, err` for an odd number of digits or another character',
        'raises if the input is over the cap',
      ],
      answersError: true,
      example: `return function()
  assert(hex.decode("00FF") == "\\0\\xff")
  assert(hex.decode("0x") == nil)
end`,
      caps,
      implementation: pure('hex.decode', (args, call) => {
        const given = Buffer.from(cappedBytes(args, call, 1, cap)).toString('latin1');
        const decoded = Buffer.from(given, 'hex');
        return decoded.length * 2 === given.length ? decoded : failed('the text is not hexadecimal');
      }),
    },
  ],
};

/** `uuid`: identifiers of RFC 9562. */
import { inHandler } from './define.ts';
import type { HostModule } from './types.ts';

/** Writes 16 bytes as a UUID of a version (RFC 9562 §4). */
export function formatUuid(bytes: Uint8Array, version: 4 | 7): string {
  const copy = Buffer.from(bytes);
  copy[6] = ((copy[6] ?? 0) & 0x0f) | (version << 4);
  copy[8] = ((copy[8] ?? 0) & 0x3f) | 0x80;
  const digits = copy.toString('hex');
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  );
}

export const uuid: HostModule = {
  name: 'uuid',
  summary: 'Universally unique identifiers (RFC 9562).',
  entries: [
    {
      name: 'uuid.v4',
      summary: 'A random identifier.',
      parameters: [],
      returns: [{ name: 'uuid', type: 'string', description: '36 characters in lower case' }],
      errors: ['not available while a module loads'],
      example: `return function()
  assert(uuid.v4():match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))
end`,
      caps: 'none',
      implementation: inHandler('uuid.v4', (_, call) => formatUuid(call.randomBytes(16), 4)),
    },
    {
      name: 'uuid.v7',
      summary: 'An identifier that sorts by time.',
      parameters: [],
      returns: [{ name: 'uuid', type: 'string', description: '36 characters in lower case' }],
      errors: ['not available while a module loads'],
      example: `return function()
  assert(uuid.v7():sub(15, 15) == "7" and uuid.v7() ~= uuid.v7())
end`,
      caps: 'none',
      implementation: inHandler('uuid.v7', (_, call) => {
        const bytes = Buffer.from(call.randomBytes(16));
        bytes.writeUIntBE(Math.floor(call.now()), 0, 6);
        return formatUuid(bytes, 7);
      }),
    },
  ],
};

/** `json`: encode and decode. */
import type { HostArguments, HostCall, LuaInput } from '../lua/types.ts';
import { cappedText, pure, raise } from './define.ts';
import { decodeJson, type DecodeLimits } from './json-decode.ts';
import { JsonProblem } from './json-problem.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem, type EncodeOptions } from './json-encode.ts';
import type { HostContext, HostModule } from './types.ts';

/** Most bytes of a text to decode. */
export const jsonTextCap = 1_048_576;
export const jsonDecodeLimits: DecodeLimits = { maxDepth: 64, maxValues: 40_000, keepNulls: false };

/** Decodes argument 1; a mistake in the text goes to `onProblem`. */
export function decodeArgument<Answer>(
  args: HostArguments,
  call: HostCall<HostContext>,
  limits: DecodeLimits,
  onProblem: (message: string) => Answer,
): LuaInput | Answer {
  const text = cappedText(args, call, 1, jsonTextCap);
  try {
    return decodeJson(text, limits);
  } catch (error) {
    if (error instanceof JsonProblem) return onProblem(error.message);
    throw error;
  }
}

/** Encodes argument 1; a value without JSON form goes to `onProblem` with its path. */
export function encodeArgument<Answer>(
  args: HostArguments,
  call: HostCall<HostContext>,
  options: EncodeOptions,
  onProblem: (message: string) => Answer,
): string | Answer {
  if (args.count === 0) args.fail(1, 'value expected');
  try {
    const text = encodeJson(args.value(1), options);
    call.charge(text.length);
    return text;
  } catch (error) {
    if (error instanceof EncodeProblem) return onProblem(error.message);
    throw error;
  }
}

export const json: HostModule = {
  name: 'json',
  summary:
    'JSON (RFC 8259). Integers keep 64 bits, a null member is absent, a null element is `json.null`, empty arrays and objects keep their kind.',
  entries: [
    {
      name: 'json.encode',
      summary:
        'Writes a value as JSON. A sequence is an array, any other table an object, `5.0` is `5`. A table with positive integer keys and gaps becomes an array with nulls unless its highest key is above 10 and above twice its size.',
      parameters: [{ name: 'value', type: 'any', description: 'nil, boolean, number, string or a table of those' }],
      returns: [{ name: 'text', type: 'string', description: 'the JSON text' }],
      errors: [
        'raises with the path of the value for functions, cycles, NaN, infinity, strings that are not UTF-8, arrays with too many gaps, depth over 64, more than 40000 names and values, or 1 MiB of text',
      ],
      example: `return function()
  local text = json.encode({ 1, 2.0, "three", json.null })
  assert(text == '[1,2,"three",null]')
  return text
end`,
      caps: 'depth ≤ 64, ≤ 40,000 names and values, text ≤ 1 MiB; costs CPU per byte written',
      implementation: pure('json.encode', (args, call) =>
        encodeArgument(args, call, defaultEncodeOptions, (message) => raise('json.encode', message)),
      ),
    },
    {
      name: 'json.decode',
      summary:
        'Reads a JSON text. Integers stay exact, a null member is absent, a null element is `json.null`; of equal names the last counts.',
      parameters: [{ name: 'text', type: 'string', description: 'UTF-8' }],
      returns: [{ name: 'value', type: 'any', description: 'the value' }],
      errors: [
        'raises with line and column where the text is not JSON, or is over a cap; `require "cjson.safe"` has a decode that answers nil and the message',
      ],
      example: `return function()
  local order = json.decode('{"id": 9007199254740993, "items": [1, null], "note": null}')
  assert(order.id == 9007199254740993 and order.items[2] == json.null and order.note == nil)
  return { json = order }
end`,
      caps: 'text ≤ 1 MiB, depth ≤ 64, ≤ 40,000 names and values; costs CPU per byte read',
      implementation: pure('json.decode', (args, call) =>
        decodeArgument(args, call, jsonDecodeLimits, (message) => raise('json.decode', message)),
      ),
    },
    {
      name: 'json.array',
      summary: 'Marks a table as an array, so that it is `[]` when empty.',
      parameters: [{ name: 'value', type: 'table?', description: 'default: a new table' }],
      returns: [{ name: 'value', type: 'table', description: 'the same table' }],
      errors: ['raises if the value is not a table'],
      example: `return function()
  assert(json.encode({ tags = json.array() }) == '{"tags":[]}')
end`,
      caps: 'none',
      implementation: { kind: 'engine' },
    },
    {
      name: 'json.object',
      summary: 'Marks a table as an object, so that it is `{}` also when it looks like an array.',
      parameters: [{ name: 'value', type: 'table?', description: 'default: a new table' }],
      returns: [{ name: 'value', type: 'table', description: 'the same table' }],
      errors: ['raises if the value is not a table'],
      example: `return function()
  assert(json.encode(json.object({ "a" })) == '{"1":"a"}')
end`,
      caps: 'none',
      implementation: { kind: 'engine' },
    },
    {
      name: 'json.null',
      summary: 'The value of a JSON null that stays visible: an element of an array. Write it to make a null member.',
      parameters: [],
      returns: [{ name: 'null', type: 'lightuserdata', description: 'equal to itself only; counts as true' }],
      errors: [],
      example: `return function()
  assert(json.encode({ deleted = json.null }) == '{"deleted":null}')
end`,
      caps: 'none',
      value: true,
      implementation: { kind: 'engine' },
    },
  ],
};

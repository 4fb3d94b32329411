/** `cjson` and `cjson.safe`: the names and settings of lua-cjson for code that was written for OpenResty. */
import { LuaRaise, Results, type HostArguments, type LuaInput } from '../lua/types.ts';
import { pure, raise } from './define.ts';
import { decodeArgument, encodeArgument, jsonDecodeLimits } from './json.ts';
import { defaultEncodeOptions, type EncodeOptions } from './json-encode.ts';
import type { HostModule } from './types.ts';

const largestDepth = 64;

/** With a true argument 2 every error is `nil, message`, as `cjson.safe` answers; else it is raised. */
function answer(
  args: HostArguments,
  name: string,
  run: (onProblem: (message: string) => never) => LuaInput,
): LuaInput | Results {
  const onProblem = (message: string): never => raise(name, message);
  if (!args.boolean(2)) return run(onProblem);
  try {
    return run(onProblem);
  } catch (error) {
    if (error instanceof LuaRaise) return new Results(null, error.message);
    throw error;
  }
}

export const cjson: HostModule = {
  name: 'cjson',
  summary:
    'lua-cjson as OpenResty has it: `require "cjson"`, `require "cjson.safe"`. Unlike `json`, a null member is `cjson.null`. Settings hold for the call: `encode_empty_table_as_object`, `encode_sparse_array`, `encode_max_depth`, `decode_max_depth`, `encode_invalid_numbers` (`false`, `"null"`); `encode_number_precision`, `encode_keep_buffer`, `encode_escape_forward_slash`, `decode_invalid_numbers` and `decode_array_with_array_mt` are accepted and change nothing. Values `null`, `empty_array`, `array_mt`, `empty_array_mt`.',
  further: [
    'safe',
    'new',
    'null',
    'empty_array',
    'array_mt',
    'empty_array_mt',
    'encode_empty_table_as_object',
    'encode_sparse_array',
    'encode_max_depth',
    'decode_max_depth',
    'encode_invalid_numbers',
    'encode_number_precision',
    'encode_keep_buffer',
    'encode_escape_forward_slash',
    'decode_invalid_numbers',
    'decode_array_with_array_mt',
    '_NAME',
    '_VERSION',
  ],
  entries: [
    {
      name: 'cjson.encode',
      summary: 'Writes a value as JSON by the settings of `cjson`.',
      parameters: [{ name: 'value', type: 'any', description: 'nil, boolean, number, string or a table of those' }],
      returns: [{ name: 'text', type: 'string', description: 'the JSON text' }],
      errors: ['raises as `json.encode`; `cjson.safe.encode` answers nil and the message instead'],
      example: `local cjson = require "cjson"
return function()
  cjson.encode_empty_table_as_object(false)
  assert(cjson.encode({ list = {}, gone = cjson.null }):find('"list":[]', 1, true))
end`,
      caps: 'as json.encode',
      implementation: { kind: 'lua' },
    },
    {
      name: 'cjson.decode',
      summary: 'Reads a JSON text; null is `cjson.null` everywhere.',
      parameters: [{ name: 'text', type: 'string', description: 'UTF-8' }],
      returns: [{ name: 'value', type: 'any', description: 'the value' }],
      errors: ['raises as `json.decode`; `cjson.safe.decode` answers nil and the message instead'],
      example: `local cjson = require "cjson.safe"
return function()
  assert(cjson.decode('{"a":null}').a == cjson.null)
  local value, message = cjson.decode("{oops")
  assert(value == nil and message:find("line 1, column 2", 1, true))
end`,
      caps: 'as json.decode',
      implementation: { kind: 'lua' },
    },
  ],
  hidden: [
    pure('cjson.encode', (args, call) => {
      const options: EncodeOptions = {
        ...defaultEncodeOptions,
        emptyTable: args.boolean(3) ? 'object' : 'array',
        sparse: { convert: args.boolean(4), ratio: args.number(5), safe: args.number(6) },
        maxDepth: Math.min(largestDepth, Math.max(1, args.number(7))),
        invalidNumbers: args.boolean(8) ? 'null' : 'refuse',
      };
      return answer(args, 'cjson.encode', (onProblem) => encodeArgument(args, call, options, onProblem));
    }),
    pure('cjson.decode', (args, call) => {
      const maxDepth = Math.min(largestDepth, Math.max(1, args.number(3)));
      const limits = { ...jsonDecodeLimits, maxDepth, keepNulls: true };
      return answer(args, 'cjson.decode', (onProblem) => decodeArgument(args, call, limits, onProblem));
    }),
  ],
  lua: `
local raw_encode, raw_decode, error, setmetatable = host['cjson.encode'], host['cjson.decode'], env.error, env.setmetatable
local create
function create(soft)
  -- 1 empty tables are objects, 2-4 sparse arrays, 5 depth of encode, 6 invalid numbers, 7 depth of decode; the rest changes nothing
  local o = { true, false, 2, 10, 64, false, 64, 16, true, false, false, true }
  local function setting(at)
    return function(given)
      if given ~= nil then o[at] = given end
      return o[at]
    end
  end
  local empty_array = setmetatable({}, marks.array)
  return {
    _NAME = soft and 'cjson.safe' or 'cjson', _VERSION = '2.1.0', null = marks.null, array_mt = marks.array,
    empty_array_mt = marks.array, empty_array = empty_array,
    new = function() return create(soft) end,
    encode = function(value) return raw_encode(value, soft, o[1], o[2], o[3], o[4], o[5], o[6]) end,
    decode = function(text) return raw_decode(text, soft, o[7]) end,
    encode_empty_table_as_object = setting(1),
    encode_sparse_array = function(convert, ratio, safe)
      if convert ~= nil then o[2] = convert end
      if ratio ~= nil then o[3] = ratio end
      if safe ~= nil then o[4] = safe end
      return o[2], o[3], o[4]
    end,
    encode_max_depth = setting(5),
    encode_invalid_numbers = function(given)
      if given ~= nil then
        if given ~= false and given ~= 'null' then error("encode_invalid_numbers: only false and 'null' are supported", 2) end
        o[6] = given
      end
      return o[6]
    end,
    decode_max_depth = setting(7),
    encode_number_precision = setting(8),
    encode_keep_buffer = setting(9),
    encode_escape_forward_slash = setting(10),
    decode_invalid_numbers = setting(11),
    decode_array_with_array_mt = setting(12),
  }
end
env.cjson = create(false)
env.cjson.safe = create(true)
`,
};

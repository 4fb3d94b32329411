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
local function create(soft)
  local empty_object, convert, ratio, safe, depth, numbers, decode_depth = true, false, 2, 10, 64, false, 64
  local m = { _NAME = soft and 'cjson.safe' or 'cjson', _VERSION = '2.1.0', null = marks.null, array_mt = marks.array,
    empty_array_mt = marks.array, empty_array = setmetatable({}, marks.array) }
  m.new = function() return create(soft) end
  m.encode = function(value) return raw_encode(value, soft, empty_object, convert, ratio, safe, depth, numbers) end
  m.decode = function(text) return raw_decode(text, soft, decode_depth) end
  m.encode_empty_table_as_object = function(on) if on ~= nil then empty_object = on and true or false end return empty_object end
  m.encode_sparse_array = function(c, r, s)
    if c ~= nil then convert = c and true or false end
    if r ~= nil then ratio = r end
    if s ~= nil then safe = s end
    return convert, ratio, safe
  end
  m.encode_max_depth = function(n) if n ~= nil then depth = n end return depth end
  m.decode_max_depth = function(n) if n ~= nil then decode_depth = n end return decode_depth end
  m.encode_invalid_numbers = function(on)
    if on ~= nil then
      if on ~= false and on ~= 'null' then error("encode_invalid_numbers: only false and 'null' are supported", 2) end
      numbers = on == 'null'
    end
    return numbers and 'null' or false
  end
  local function ignored(value) return function(given) if given ~= nil then value = given end return value end end
  m.encode_number_precision = ignored(16)
  m.encode_keep_buffer = ignored(true)
  m.encode_escape_forward_slash = ignored(false)
  m.decode_invalid_numbers = ignored(false)
  m.decode_array_with_array_mt = ignored(true)
  return m
end
env.cjson = create(false)
env.cjson.safe = create(true)
`,
};

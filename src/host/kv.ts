/** `kv`: values that outlive a call, per function or shared in the namespace. */
import { keyValueFunction } from './kv-functions.ts';
import type { HostEntry, HostModule } from './types.ts';

const key = { name: 'key', type: 'string', description: '1 to 512 bytes' };
const value = { name: 'value', type: 'any', description: 'anything with a JSON form, no nil' };
const ttl = {
  name: 'options',
  type: 'number|{ttl?: number}?',
  description: '`ttl` in seconds, after which the key is gone',
};
const caps = 'key ≤ 512 bytes, value ≤ 256 KiB as JSON; one host call';
const misuse = 'raises for a bad key, a value without JSON form or a bad option';

function entry(
  name: string,
  summary: string,
  parameters: HostEntry['parameters'],
  returns: HostEntry['returns'],
  example: string,
  errors: readonly string[] = [],
): HostEntry {
  return {
    name: `kv.${name}`,
    summary,
    parameters,
    returns,
    errors: [...errors, misuse],
    ...(errors.length > 0 ? { answersError: true as const } : {}),
    example,
    caps,
    implementation: keyValueFunction(`kv.${name}`),
  };
}

const err = { name: 'err', type: 'moonhook.Error?', description: 'why not' };

export const kv: HostModule = {
  name: 'kv',
  summary:
    'Values that outlive a call: per function, or shared in the namespace with `kv.shared(name)`. In a synchronous call each operation is durable at once; in an asynchronous one writes land together when the event is settled.',
  entries: [
    entry(
      'get',
      'Gives the value of a key.',
      [key],
      [{ name: 'value', type: 'any', description: 'the value, or nil' }],
      `return function()
  kv.set("greeting", { text = "hello" })
  assert(kv.get("greeting").text == "hello" and kv.get("nothing") == nil)
end`,
    ),
    entry(
      'set',
      'Sets a key.',
      [key, value, ttl],
      [{ name: 'ok', type: 'boolean?', description: 'true' }, err],
      `return function()
  assert(kv.set("session:42", { user = "ada" }, { ttl = 3600 }))
end`,
      ['answers `nil, err` if the quota of the namespace is used up'],
    ),
    entry(
      'delete',
      'Removes a key.',
      [key],
      [{ name: 'existed', type: 'boolean', description: 'whether it was there' }],
      `return function()
  kv.set("k", 1)
  assert(kv.delete("k") == true and kv.delete("k") == false)
end`,
    ),
    entry(
      'list',
      'Lists keys with a prefix in byte order, a page at a time.',
      [
        { name: 'prefix', type: 'string?', description: 'default: all keys' },
        {
          name: 'options',
          type: '{limit?: integer, cursor?: string}?',
          description: '`limit` (default 100, at most 1000), `cursor` of the page before',
        },
      ],
      [
        { name: 'keys', type: 'string[]', description: 'the keys' },
        { name: 'cursor', type: 'string?', description: 'for the next page; nil: this was the last' },
      ],
      `return function()
  kv.set("user:1", "a") kv.set("user:2", "b") kv.set("other", "c")
  local keys = kv.list("user:")
  assert(#keys == 2 and keys[1] == "user:1")
end`,
    ),
    entry(
      'add',
      'Sets a key only if it is not there: a claim. In an asynchronous call the claim is durable at once and belongs to the event: its retries own it, a dead event gives it back.',
      [key, value, ttl],
      [{ name: 'added', type: 'boolean?', description: 'false: it was taken' }, err],
      `return function()
  if kv.add("alerted:web-1", true, 3600) then log.warn("first alert of this hour") end
  assert(kv.add("alerted:web-1", true) == false)
end`,
      ['answers `nil, err` if the quota of the namespace is used up'],
    ),
    entry(
      'incr',
      'Adds to an integer; a key that is not there counts as 0.',
      [key, { name: 'delta', type: 'integer?', description: 'default 1' }, ttl],
      [{ name: 'value', type: 'integer?', description: 'the new value' }, err],
      `return function()
  assert(kv.incr("visits") == 1 and kv.incr("visits", 10) == 11)
end`,
      ['answers `nil, err` if the key holds something else than an integer, or the quota of the namespace is used up'],
    ),
    entry(
      'cas',
      'Sets a key if its value equals the expected one (compare and set).',
      [
        key,
        { name: 'expected', type: 'any', description: 'the value it must have; nil: it must not be there' },
        value,
        ttl,
      ],
      [{ name: 'set', type: 'boolean?', description: 'false: the value was another' }, err],
      `return function()
  assert(kv.cas("state", nil, { step = 1 }))
  assert(kv.cas("state", { step = 1 }, { step = 2 }) and not kv.cas("state", { step = 1 }, { step = 3 }))
end`,
      ['answers `nil, err` if the quota of the namespace is used up'],
    ),
    {
      name: 'kv.shared',
      summary: 'The same functions over a space that all functions of the namespace share.',
      parameters: [{ name: 'name', type: 'string', description: '1 to 63 letters, digits, `-`, `_`, `.`' }],
      returns: [{ name: 'space', type: 'moonhook.KeyValue', description: '`get set delete list add incr cas`' }],
      errors: ['raises for a bad name'],
      example: `return function()
  local flags = kv.shared("flags")
  flags.set("beta", true)
  assert(flags.get("beta") == true and kv.get("beta") == nil)
end`,
      caps: 'as the functions of kv',
      implementation: { kind: 'lua' },
    },
  ],
  lua: `
local error, type, match = env.error, env.type, env.string.match
local get, set, delete, list, add, incr, cas = host['kv.get'], host['kv.set'], host['kv.delete'], host['kv.list'], host['kv.add'], host['kv.incr'], host['kv.cas']
local function space(name)
  return {
    get = function(key) return get(key, name) end,
    set = function(key, value, options) return guarded(set(key, value, options, name)) end,
    delete = function(key) return delete(key, name) end,
    list = function(prefix, options) return list(prefix, options, name) end,
    add = function(key, value, options) return add(key, value, options, name) end,
    incr = function(key, delta, options) return guarded(incr(key, delta, options, name)) end,
    cas = function(key, expected, value, options) return cas(key, expected, value, options, name) end,
  }
end
env.kv = space(nil)
env.kv.shared = function(name)
  if type(name) ~= 'string' or #name > 63 or not match(name, '^[%w._-]+$') then
    error("bad argument #1 to 'shared' (a name of 1 to 63 letters, digits, '-', '_' or '.' expected)", 2)
  end
  return space(name)
end
`,
};

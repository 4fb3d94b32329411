/** `cache`: values kept by the process for a while, loaded by one call at a time. */
import { LuaRaise, Results, type HostArguments, type LuaValue } from '../lua/types.ts';
import { secondsToMs, waiting } from './define.ts';
import type { HostFunction } from '../lua/types.ts';
import type { HostContext, HostModule } from './types.ts';

const keyCap = 512;
const longestTtlSeconds = 86_400;

const read: HostFunction<HostContext> = {
  kind: 'direct',
  name: 'cache.read',
  atLoad: false,
  effect: true,
  run(args, call) {
    const key = args.text(1);
    if (key.length === 0 || Buffer.byteLength(key) > keyCap)
      return args.fail(1, `a key of 1 to ${keyCap} bytes expected`);
    const found = call.context.cache.read(key);
    return found === undefined ? false : new Results(true, found.value);
  },
};

/** Blames the loader: who calls `cache.get` knows no `write`. */
function storedValue(args: HostArguments): LuaValue {
  try {
    return args.value(2);
  } catch (error) {
    if (!(error instanceof LuaRaise)) throw error;
    const reason = error.message.replace(/^bad argument #2 to 'write' \((.*)\)$/s, '$1');
    throw new LuaRaise(`cache.get: what the loader gave cannot be kept: ${reason}`);
  }
}

const write: HostFunction<HostContext> = {
  kind: 'direct',
  name: 'cache.write',
  atLoad: false,
  effect: true,
  run(args, call) {
    const value = storedValue(args);
    call.context.cache.write(args.text(1), value, secondsToMs(args, 3, 'ttl', args.number(3), longestTtlSeconds));
    return new Results();
  },
};

/** True: this call loads, and gives the claim back when it ends at the latest. False: another call has loaded meanwhile. */
const claim = waiting('cache.get', async (args, call) => {
  const key = args.text(1);
  const { cache } = call.context;
  // The signal is one object for all of a call.
  const { signal } = call;
  const other = cache.claim(key, signal);
  if (other === undefined) {
    signal.addEventListener('abort', () => cache.release(key, signal), { once: true });
    return true;
  }
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    void other.then(resolve, resolve);
  });
  return false;
});

const release: HostFunction<HostContext> = {
  kind: 'direct',
  name: 'cache.release',
  atLoad: false,
  effect: true,
  run(args, call) {
    call.context.cache.release(args.text(1), call.signal);
    return new Results();
  },
};

export const cache: HostModule = {
  name: 'cache',
  summary: 'A cache of the process: per function, not durable, each process has its own.',
  entries: [
    {
      name: 'cache.get',
      summary:
        'Gives the cached value of a key, or runs the loader and keeps its result. Of several calls that miss at once one loads, the others wait for it.',
      parameters: [
        { name: 'key', type: 'string', description: '1 to 512 bytes' },
        { name: 'options', type: '{ttl?: number}?', description: '`ttl` in seconds, default 60, at most 86400' },
        { name: 'loader', type: 'fun(key: string): any', description: 'gives the value; nil is not kept' },
      ],
      returns: [{ name: 'value', type: 'any', description: 'plain data; a fresh copy for each call' }],
      errors: [
        'raises what the loader raises, for values that are not plain data, and where a loader asks for its own key',
      ],
      example: `return function()
  local function load() return { rate = 1.08 } end
  local first = cache.get("rates", { ttl = 60 }, load)
  local again = cache.get("rates", { ttl = 60 }, function() error("not reached") end)
  assert(first.rate == 1.08 and again.rate == 1.08)
end`,
      caps: 'key ≤ 512 bytes; all values of a function ≤ 4 MiB, oldest out first; a miss is one host call',
      implementation: { kind: 'lua' },
    },
  ],
  hidden: [read, write, claim, release],
  lua: `
local error, type, pcall, pairs, format = env.error, env.type, env.pcall, env.pairs, env.string.format
local read, write, claim, release = host['cache.read'], host['cache.write'], host['cache.get'], host['cache.release']
local running, loading = env.coroutine.running, {}
env.cache = {
  get = function(key, options, loader)
    if loader == nil and type(options) == 'function' then options, loader = nil, options end
    if type(key) ~= 'string' then error(format("bad argument #1 to 'get' (string expected, got %s)", type(key)), 2) end
    if type(loader) ~= 'function' then error(format("bad argument #3 to 'get' (function expected, got %s)", type(loader)), 2) end
    if options ~= nil and type(options) ~= 'table' then error(format("bad argument #2 to 'get' (table expected, got %s)", type(options)), 2) end
    for name in pairs(options or {}) do
      if name ~= 'ttl' then error(format('bad argument #2 to \\'get\\' (unknown option "%s"; known are ttl)', tostring(name)), 2) end
    end
    local ttl = options and options.ttl or 60
    if type(ttl) ~= 'number' or not (ttl > 0 and ttl <= 86400) then
      error("bad argument #2 to 'get' (ttl must be a number of seconds above 0 and at most 86400)", 2)
    end
    local me = running()
    repeat
      local found, value = read(key)
      if found then return value end
      -- It would wait for itself until its deadline.
      if loading[key] == me then error(format('cache.get: the loader of %q asks for its own key', key), 2) end
    until claim(key)
    loading[key] = me
    local ok, value = pcall(loader, key)
    loading[key] = nil
    if ok and value ~= nil then
      local kept, problem = pcall(write, key, value, ttl)
      if not kept then ok, value = false, problem end
    end
    release(key)
    if not ok then error(value, 0) end
    return value
  end,
}
`,
};

/** Globals that steer a call or look at values: `sleep`, `exit`, `fail`, `retry_after`, `dig`, `inspect`, `parallel`, `env`. */
import { setTimeout as wait } from 'node:timers/promises';
import { Results } from '../lua/types.ts';
import { waiting } from './define.ts';
import type { HostModule } from './types.ts';

export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** A timer that ends with the call. */
export const waitByTimer: Wait = async (ms, signal) => {
  await wait(ms, undefined, { signal });
};

/** The globals; `waitFor` is the timer behind `sleep`. */
export function createControl(waitFor: Wait): HostModule {
  return {
    name: '',
    summary: 'Functions and values without a module.',
    entries: [
      {
        name: 'sleep',
        summary: 'Waits; other calls run meanwhile.',
        parameters: [{ name: 'seconds', type: 'number', description: 'with fractions' }],
        returns: [],
        errors: [
          'raises if the number is negative or not finite; a sleep beyond the time limit ends the call as timeout',
        ],
        example: `return function()
  sleep(0.01)
  return "rested"
end`,
        caps: "bounded by the call's time limit; one host call",
        implementation: waiting('sleep', async (args, call) => {
          const seconds = args.number(1);
          if (!Number.isFinite(seconds) || seconds < 0) return args.fail(1, 'a number of seconds from 0 expected');
          // Never longer than the call may live, so that a timer cannot overflow.
          await waitFor(Math.min(seconds * 1000, call.remaining() + 1_000), call.signal);
          return new Results();
        }),
      },
      {
        name: 'exit',
        summary: 'Ends the call at once with an answer; no pcall catches it. An asynchronous call ends as done.',
        parameters: [
          { name: 'status', type: 'integer?', description: 'HTTP status' },
          { name: 'body', type: 'any?', description: 'text, or a table sent as JSON' },
          { name: 'headers', type: 'table<string, string>?', description: 'response headers' },
        ],
        returns: [],
        errors: [],
        example: `return function(event)
  if not event.name then exit(400, "no name") end
  return "fine"
end`,
        caps: 'none',
        implementation: { kind: 'engine' },
      },
      {
        name: 'parallel',
        summary:
          'Runs functions at the same time, waits for all and gives their first results in order. Errors are raised after all have ended.',
        parameters: [{ name: '...', type: 'fun(): any', description: 'at most 16 run at once' }],
        returns: [{ name: '...', type: 'any', description: 'one result for each function' }],
        errors: ['raises the error of the first function that failed, after all have ended'],
        example: `return function()
  local a, b = parallel(function() sleep(0.01) return 1 end, function() return 2 end)
  assert(a == 1 and b == 2)
end`,
        caps: '16 host calls at once',
        implementation: { kind: 'engine' },
      },
      {
        name: 'env',
        summary: 'The values of `spec.env` and `spec.envFrom`, read-only: `env.CHANNEL`.',
        parameters: [],
        returns: [{ name: 'env', type: 'table<string, string>', description: 'name → value; an unknown name is nil' }],
        errors: ['raises on assignment'],
        example: `return function()
  assert(env.NO_SUCH_NAME == nil)
end`,
        caps: 'none',
        value: true,
        implementation: { kind: 'engine' },
      },
      {
        name: 'fail',
        summary:
          'An error value that ends an asynchronous event at once, without further attempts: `error(fail "reason")`.',
        parameters: [{ name: 'reason', type: 'string', description: 'shown in the record' }],
        returns: [{ name: 'err', type: 'moonhook.Error', description: 'with `permanent = true`' }],
        errors: ['raises if the reason is not a string'],
        example: `return function(event)
  local ok, err = pcall(error, fail "no such customer")
  assert(not ok and err.permanent and tostring(err) == "no such customer")
end`,
        caps: 'none',
        implementation: { kind: 'lua' },
      },
      {
        name: 'retry_after',
        summary: 'An error value that asks for the next attempt after some seconds: `error(retry_after(30))`.',
        parameters: [
          { name: 'seconds', type: 'number', description: '0 to 86400' },
          { name: 'reason', type: 'string?', description: 'shown in the record' },
        ],
        returns: [{ name: 'err', type: 'moonhook.Error', description: 'with `retry_after`' }],
        errors: ['raises if the number is out of range'],
        example: `return function(event)
  local ok, err = pcall(error, retry_after(30))
  assert(not ok and err.retry_after == 30)
end`,
        caps: 'none',
        implementation: { kind: 'lua' },
      },
      {
        name: 'dig',
        summary: 'Follows keys into nested tables and gives nil where a step is missing.',
        parameters: [
          { name: 'value', type: 'any', description: 'where to start' },
          { name: '...', type: 'any', description: 'keys' },
        ],
        returns: [{ name: 'found', type: 'any', description: 'the value, or nil' }],
        errors: ['never raises'],
        example: `return function()
  local data = { commit = { author = { name = "Ada" } } }
  assert(dig(data, "commit", "author", "name") == "Ada")
  assert(dig(data, "commit", "committer", "name") == nil)
end`,
        caps: 'none',
        implementation: { kind: 'lua' },
      },
      {
        name: 'inspect',
        summary:
          'Writes any value for people: keys sorted, cycles and depth marked. Of `nil, err`, as functions answer it that failed, both.',
        parameters: [
          { name: 'value', type: 'any', description: 'what to show' },
          { name: 'depth', type: 'integer?', description: 'levels of tables, default 8, at most 20' },
        ],
        returns: [{ name: 'text', type: 'string', description: 'Lua-like text' }],
        errors: ['never raises for a value'],
        example: `return function()
  assert(inspect({ 1, "a", x = { true } }) == '{1, "a", x = {true}}')
  assert(inspect(base64.decode("!")):find("nil, {message", 1, true) == 1)
end`,
        caps: 'text ≤ 64 KiB (cut)',
        implementation: { kind: 'lua' },
      },
    ],
    lua: controlLua,
  };
}

const controlLua = `
local type, error, select, setmetatable, tostring, rawget, next = env.type, env.error, env.select, env.setmetatable, env.tostring, env.rawget, env.next
local format, match, sub, concat, sort = env.string.format, env.string.match, env.string.sub, env.table.concat, env.table.sort
local pairs, pcall, floor, mtype = env.pairs, env.pcall, env.math.floor, env.math.type

env.fail = function(reason)
  if type(reason) ~= 'string' then error("bad argument #1 to 'fail' (string expected, got " .. type(reason) .. ')', 2) end
  return setmetatable({ message = reason, permanent = true }, failure)
end
env.retry_after = function(seconds, reason)
  if type(seconds) ~= 'number' or not (seconds >= 0 and seconds <= 86400) then
    error("bad argument #1 to 'retry_after' (a number of seconds from 0 to 86400 expected)", 2)
  end
  if reason ~= nil and type(reason) ~= 'string' then
    error("bad argument #2 to 'retry_after' (string expected, got " .. type(reason) .. ')', 2)
  end
  return setmetatable({ message = reason or format('try again after %g s', seconds), retry_after = seconds }, failure)
end

env.dig = function(value, ...)
  for i = 1, select('#', ...) do
    if type(value) ~= 'table' then return nil end
    local key = select(i, ...)
    if key == nil then return nil end
    value = value[key]
  end
  return value
end

local order = { number = 1, string = 2, boolean = 3 }
local function before(a, b)
  local ta, tb = type(a), type(b)
  if ta ~= tb then return (order[ta] or 9) < (order[tb] or 9) end
  if ta == 'number' or ta == 'string' then return a < b end
  return tostring(a) < tostring(b)
end
local inspect
function inspect(value, depth)
  -- What functions answer when they fail: inspect(http.get(url)) shows the error.
  if value == nil and type(depth) == 'table' then return 'nil, ' .. inspect(depth) end
  depth = depth or 8
  if type(depth) ~= 'number' or depth < 1 or depth > 20 then
    error("bad argument #2 to 'inspect' (a depth from 1 to 20 expected)", 2)
  end
  local out, size, open = {}, 0, {}
  local function add(text)
    if size < 65536 then
      if size + #text > 65536 then text = sub(text, 1, 65536 - size) end
      out[#out + 1] = text
      size = size + #text
    end
  end
  local show
  local function key_text(key)
    if type(key) == 'string' and match(key, '^[%a_][%w_]*$') then add(key) return end
    add('[') show(key, 1) add(']')
  end
  function show(v, level)
    local kind = type(v)
    if v == marks.null then add('null')
    elseif kind == 'string' then add((env.string.gsub(format('%q', v), '\\\\\\n', '\\\\n')))
    elseif kind ~= 'table' then
      if kind == 'number' or kind == 'boolean' or kind == 'nil' then add(tostring(v)) else add('<' .. kind .. '>') end
    elseif open[v] then add('<cycle>')
    elseif level > depth then add('{…}')
    else
      open[v] = true
      add('{')
      local first, n = true, 0
      while size < 65536 do
        local item = rawget(v, n + 1)
        if item == nil then break end
        n = n + 1
        if not first then add(', ') end
        first = false
        show(item, level + 1)
      end
      local keys = {}
      local ok, iterate, state, start = pcall(pairs, v)
      if not ok then iterate, state, start = next, v, nil end
      for key in iterate, state, start do
        if not (mtype(key) == 'integer' and key >= 1 and key <= n) then keys[#keys + 1] = key end
      end
      sort(keys, before)
      for i = 1, #keys do
        if size >= 65536 then break end
        if not first then add(', ') end
        first = false
        key_text(keys[i])
        add(' = ')
        show(v[keys[i]], level + 1)
      end
      add('}')
      open[v] = nil
    end
  end
  show(value, 1)
  return concat(out) .. (size >= 65536 and '…' or '')
end
env.inspect = inspect
`;

/** The sandbox's own Lua: wrappers that need no host, `require`, start-up; around what lets calls of the host wait. */
import { waitingPrelude } from './waiting-prelude.ts';

/**
 * Runs once when the base image is built, stripped of debug information so that errors blame the user's line. Arguments:
 * `raw` (Lua's own functions), `env` (the environment being built), `host` (raw host functions by full name), `mark` (the
 * value that marks a yield to the host), `marks` (metatables of arrays and objects).
 */
export const sandboxPrelude = `
local raw, env, host, mark, marks = ...
local type, error, select, next, pairs, rawget, rawset, setmetatable, tostring, pcall, raw_xpcall =
  raw.type, raw.error, raw.select, raw.next, raw.pairs, raw.rawget, raw.rawset, raw.setmetatable, raw.tostring, raw.pcall, raw.xpcall
local rawlen, gmatch = raw.rawlen, raw.string.gmatch
local create, status, close = raw.coroutine.create, raw.coroutine.status, raw.coroutine.close
local raw_resume, raw_yield = raw.coroutine.resume, raw.coroutine.yield
local raw_load, find, concat, pack, unpack, sort = raw.load, raw.string.find, raw.table.concat, raw.table.pack, raw.table.unpack, raw.table.sort
local format, dump, sub = raw.string.format, raw.string.dump, raw.string.sub
local random, randomseed = raw.math.random, raw.math.randomseed
local collect = raw.collectgarbage

-- Lua 5.1 habits ------------------------------------------------------------------------------------------------------
env.unpack = unpack
env.table.getn = function(t) return #t end
env.math.pow = function(x, y) return x ^ y end

-- load ----------------------------------------------------------------------------------------------------------------
local function load(chunk, name, mode, ...)
  if mode ~= nil and (type(mode) ~= 'string' or find(mode, 'b', 1, true)) then
    return nil, 'load reads text only: binary chunks are not accepted'
  end
  if select('#', ...) == 0 then return raw_load(chunk, name, 't') end
  return raw_load(chunk, name, 't', (...))
end
env.load = load
env.loadstring = function(text, name)
  if type(text) ~= 'string' then error("bad argument #1 to 'loadstring' (string expected, got " .. type(text) .. ')', 2) end
  return raw_load(text, name, 't')
end

env.collectgarbage = function(option)
  if option == 'count' then return collect('count') end
  return 0
end

local write = host['engine.print']
env.print = function(...)
  local n = select('#', ...)
  local parts = { ... }
  for i = 1, n do parts[i] = tostring(parts[i]) end
  write(concat(parts, '\\t', 1, n))
end

-- random: seeded by the host when first used, so a call that needs none pays nothing -----------------------------------------
local seeded = false
local seed = host['engine.seed']
env.math.random = function(...)
  if not seeded then
    randomseed(seed())
    seeded = true
  end
  return random(...)
end
env.math.randomseed = function(...)
  if select('#', ...) == 0 then
    randomseed(seed())
  else
    randomseed(...)
  end
  seeded = true
end

-- os ------------------------------------------------------------------------------------------------------------------
env.os = { time = host['os.time'], date = host['os.date'], clock = host['os.clock'], difftime = function(a, b) return a - (b or 0) + 0.0 end }

${waitingPrelude}-- require -----------------------------------------------------------------------------------------------------------------
local preload, loaded, loading = {}, {}, {}
local function require(name)
  local found = loaded[name]
  if found ~= nil then return found end
  local loader = preload[name]
  if loader == nil then
    local known = {}
    for key in pairs(preload) do known[#known + 1] = tostring(key) end
    for key in pairs(loaded) do
      if preload[key] == nil then known[#known + 1] = tostring(key) end
    end
    sort(known)
    error(format("module '%s' not found; known modules: %s", tostring(name), concat(known, ', ')), 2)
  end
  if loading[name] then error(format("module '%s' requires itself", name), 2) end
  loading[name] = true
  local ok, value = pcall(loader, name)
  loading[name] = nil
  if not ok then error(value, 0) end
  if value == nil then value = true end
  loaded[name] = value
  return value
end
env.require = require

env.debug = {}
local traceback = host['engine.traceback']
env.debug.traceback = function(co, message, level)
  if type(co) ~= 'thread' then co, message, level = nil, co, message end
  if message ~= nil and type(message) ~= 'string' and type(message) ~= 'number' then return message end
  return traceback(co, message, level)
end

env.exit = host['exit']

-- arrays, objects, null -------------------------------------------------------------------------------------------------------
env.json = env.json or {}
env.json.null = marks.null
env.json.array = function(t)
  if t == nil then t = {} end
  if type(t) ~= 'table' then error("bad argument #1 to 'array' (table expected, got " .. type(t) .. ')', 2) end
  return setmetatable(t, marks.array)
end
env.json.object = function(t)
  if t == nil then t = {} end
  if type(t) ~= 'table' then error("bad argument #1 to 'object' (table expected, got " .. type(t) .. ')', 2) end
  return setmetatable(t, marks.object)
end

-- lazy tables ---------------------------------------------------------------------------------------------------------------
local fill = host['engine.lazy_fill']
marks.lazy.__index = host['engine.lazy_field']
marks.lazy.__newindex = host['engine.lazy_assign']
marks.lazy.__pairs = function(t) fill(t) return next, t, nil end
marks.lazy.__len = function(t) fill(t) return rawlen(t) end
marks.lazy.__metatable = false

-- start-up ------------------------------------------------------------------------------------------------------------------
local control = {}

-- Compiles text; gives the bytecode or nil and the message.
function control.compile(name, text)
  local f, message = raw_load(text, '=' .. name, 't')
  if f == nil then return nil, message end
  return dump(f)
end

-- Compiles an expression, or a chunk with 'return'.
function control.expression(name, text)
  local f = raw_load('return ' .. text, '=' .. name, 't')
  if f == nil then
    local message
    f, message = raw_load(text, '=' .. name, 't')
    if f == nil then return nil, message end
  end
  return dump(f)
end

local function readonly(values, what)
  return setmetatable({}, {
    __index = values,
    __newindex = function() error(what .. ' is read-only', 2) end,
    __pairs = function() return next, values, nil end,
    __metatable = false,
  })
end

-- Runs a module's top level and gives: the kind of what it returned, names of its handlers, their functions, expressions.
function control.start(name, code, modules, values, expressions)
  env.env = readonly(values, 'env')
  for key, bytes in pairs(modules) do preload[key] = raw_load(bytes, '=' .. key, 'b') end
  local functions, list, odd = {}, {}, {}
  local kind = 'nil'
  if code then
    local result = raw_load(code, '=' .. name, 'b')(name)
    kind = type(result)
    if kind == 'function' then
      list[1], functions[1] = 'default', result
    elseif kind == 'table' then
      for key, value in next, result do
        if type(key) == 'string' and type(value) == 'function' then
          list[#list + 1] = key
        else
          odd[#odd + 1] = { tostring(key), type(key), type(value) }
        end
      end
      sort(list)
      for i = 1, #list do functions[i] = rawget(result, list[i]) end
    end
  end
  for i = 1, #expressions do functions[#functions + 1] = raw_load(expressions[i][2], '=' .. expressions[i][1], 'b') end
  return kind, list, odd, unpack(functions)
end

function control.alias(name, global)
  local value = env
  for part in gmatch(global, '[^.]+') do
    if type(value) ~= 'table' then return end
    value = value[part]
  end
  if value ~= nil then loaded[name] = value end
end

function control.collect() collect('collect') collect('collect') end

function control.text(value)
  if type(value) == 'table' then
    local message = rawget(value, 'message')
    if type(message) == 'string' then return message end
    if raw.getmetatable(value) == nil and type(env.inspect) == 'function' then return env.inspect(value, 3) end
  end
  return tostring(value)
end

-- methods of strings are the members of the sandbox's own string table, also those a script adds to it
raw.getmetatable('').__index = env.string
raw.getmetatable('').__metatable = false
return control
`;

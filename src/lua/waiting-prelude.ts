/** Part of the sandbox's own Lua: coroutines that let yields to the host through, and `parallel`. */

/** Uses the locals at the top of the sandbox's prelude, in which it stands. */
export const waitingPrelude = `-- coroutines: a yield to the host passes through the user's coroutines and comes back with its answer ------------------------------
-- Coroutines that wait for the host: to the script they are not suspended, whoever holds them.
local waiting = {}
local busy = 'cannot resume non-suspended coroutine'

local pass
local function answer(co, ...)
  waiting[co] = nil
  return pass(co, raw_resume(co, ...))
end
function pass(co, ok, ...)
  if ok and (...) == mark and status(co) == 'suspended' then
    waiting[co] = true
    return answer(co, raw_yield(...))
  end
  return ok, ...
end
env.coroutine.resume = function(co, ...)
  if waiting[co] then return false, busy end
  return pass(co, raw_resume(co, ...))
end
env.coroutine.status = function(co)
  if waiting[co] then return 'normal' end
  return status(co)
end
env.coroutine.close = function(co)
  if waiting[co] then error('cannot close a normal coroutine', 2) end
  return close(co)
end

local function unwrap(co, ok, ...)
  if ok then return ... end
  local failure = ...
  if not waiting[co] and status(co) == 'dead' then
    local closed, reason = close(co)
    if not closed then failure = reason end
  end
  error(failure, 2)
end
env.coroutine.wrap = function(f)
  local co = create(f)
  return function(...)
    if waiting[co] then error(busy, 2) end
    return unwrap(co, pass(co, raw_resume(co, ...)))
  end
end

-- xpcall: a message handler cannot wait. Lua hands its error to the handler once more, which would fail the same way until the
-- stack is full, and nobody would see why.
local refusal = ' cannot wait inside a callback '
env.xpcall = function(f, handler, ...)
  if type(handler) ~= 'function' then
    error(format("bad argument #2 to 'xpcall' (function expected, got %s)", handler == nil and 'no value' or type(handler)), 2)
  end
  local handling = false
  return raw_xpcall(f, function(failure)
    if handling and type(failure) == 'string' and find(failure, refusal, 1, true) then return failure end
    handling = true
    return handler(failure)
  end, ...)
end

-- parallel ----------------------------------------------------------------------------------------------------------------
local any, done, width = host['engine.any'], host['engine.done'], host['engine.width']
env.parallel = function(...)
  local n = select('#', ...)
  local functions = { ... }
  for i = 1, n do
    if type(functions[i]) ~= 'function' then
      error(format("bad argument #%d to 'parallel' (function expected, got %s)", i, type(functions[i])), 2)
    end
  end
  local results, failed, failure = {}, nil, nil
  local branches, count, started = {}, 0, 0
  local limit = width()
  local function step(index, co, ok, first, operation)
    if ok and first == mark and status(co) == 'suspended' then
      waiting[co] = true
      branches[#branches + 1] = { index = index, co = co, operation = operation }
      return
    end
    count = count - 1
    if ok and status(co) == 'suspended' then
      ok, first = false, 'attempt to yield from outside a coroutine'
    end
    if ok then
      results[index] = first
    elseif not failed or index < failed then
      failed, failure = index, first
    end
  end
  while true do
    while started < n and count < limit do
      started = started + 1
      count = count + 1
      local co = create(functions[started])
      step(started, co, raw_resume(co))
    end
    if count == 0 then break end
    local operations = {}
    for i = 1, #branches do operations[i] = branches[i].operation end
    raw_yield(mark, any(unpack(operations)))
    local before = branches
    branches = {}
    for i = 1, #before do
      local entry = before[i]
      if done(entry.operation) then
        waiting[entry.co] = nil
        step(entry.index, entry.co, raw_resume(entry.co))
      else
        branches[#branches + 1] = entry
      end
    end
  end
  if failed then error(failure, 0) end
  return unpack(results, 1, n)
end

`;

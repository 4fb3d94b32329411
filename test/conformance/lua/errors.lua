local check = require("check")
local equal, raises, truth, results = check.equal, check.raises, check.truth, check.results

local function message_of(f, ...)
  local ok, message = pcall(f, ...)
  equal(ok, false)
  return message
end

return check.suite({
  error_values_of_every_kind = function()
    equal(message_of(error, nil), nil)
    equal(message_of(error), nil)
    equal(message_of(error, 42), 42)
    equal(message_of(error, true), true)
    local t = {}
    equal(message_of(error, t), t)
    local f = function() end
    equal(message_of(error, f), f)
    local co = coroutine.create(f)
    equal(message_of(error, co), co)
    equal(message_of(error, "plain", 0), "plain")
    equal(message_of(error, 1.5), 1.5)
  end,

  positions_follow_the_level = function()
    local function level1() error("here") end
    local function level2() error("caller", 2) end
    truth(message_of(level1):find(":%d+: here$"))
    truth(message_of(function() level2() end):find(":%d+: caller$"))
    local line1 = tonumber(message_of(function() level1() end):match(":(%d+): here"))
    local chunk = load("local x\n\nerror('third')", "=file")
    equal(message_of(chunk), "file:3: third")
    local chunk2 = load("local function f() error('at call', 2) end\n\n\nf()", "=file")
    equal(message_of(chunk2), "file:4: at call")
    equal(message_of(load("return nil + 1", "=file")), "file:1: attempt to perform arithmetic on a nil value")
    equal(message_of(load("local t = nil\nlocal x = t.a.b", "=file")), "file:2: attempt to index a nil value (local 't')")
    equal(message_of(load("return 1", "=file") and load("error('m', 3)", "=f")):match("m$"), "m")
    equal(math.type(line1), "integer")
  end,

  runtime_messages_name_variables = function()
    local t = { inner = {} }
    raises("attempt to index a nil value (field 'x')", function() return t.x.y end)
    raises("attempt to index a nil value (global 'undefined_name')", function() return undefined_name.y end)
    raises("attempt to call a nil value (global 'undefined_name')", function() undefined_name() end)
    raises("attempt to call a nil value (field 'f')", function() t.f() end)
    raises("attempt to call a nil value (method 'm')", function() t:m() end)
    raises("attempt to call a number value (local 'n')", function() local n = 1; n() end)
    raises("attempt to call a table value (upvalue 't')", function() t() end)
    raises("attempt to index a number value (field 'n')", function() local u = { n = 1 }; return u.n.x end)
    raises("attempt to index a nil value (field '", function() local u = {}; return u[1].x end)
    raises("attempt to compare nil with number", function() return t.x < 1 end)
    raises("attempt to concatenate a table value (upvalue 't')", function() return "x" .. t end)
    raises("attempt to perform arithmetic on a nil value (global 'undefined_name')", function() return undefined_name * 2 end)
    raises("attempt to get length of a nil value (field 'x')", function() return #t.x end)
    raises("bad argument #1 to 'insert' (table expected, got nil)", function() table.insert(nil, 1) end)
    raises("bad argument #1 to 'rep'", function() local s = string; s.rep() end)
    raises("calling 'rep' on bad self", function() local o = { rep = string.rep }; o:rep(1) end)
    raises("for iterator", function() for _ in 5 do end end)
    raises("attempt to call", function() for _ in nil do end end)
  end,

  assert_passes_or_raises = function()
    results({ 1, 2, 3 }, assert(1, 2, 3))
    equal(message_of(assert, false), "assertion failed!")
    equal(message_of(assert, nil), "assertion failed!")
    equal(message_of(assert, false, "custom"), "custom")
    local t = {}
    equal(message_of(assert, nil, t), t)
    equal(message_of(assert, nil, nil), nil)
    truth(message_of(assert):find("value expected", 1, true))
  end,

  pcall_returns_everything = function()
    results({ true, 1, 2 }, pcall(function() return 1, 2 end))
    results({ n = 3, true, nil, nil }, pcall(function() return nil, nil end))
    results({ true }, pcall(function() end))
    equal(pcall(nil), false)
    truth(select(2, pcall(nil)):find("attempt to call a nil value", 1, true))
    truth(select(2, pcall(pcall)):find("value expected", 1, true))
    results({ true, false, "x" }, pcall(pcall, error, "x"))
    results({ true, true, true, false, 1 }, pcall(pcall, pcall, pcall, error, 1))
  end,

  xpcall_handles = function()
    results({ false, "H: x" }, xpcall(error, function(m) return "H: " .. m end, "x"))
    results({ true, 7 }, xpcall(function(a, b) return a + b end, print, 3, 4))
    local ok, value = xpcall(error, function() return { handled = true } end, "x")
    equal(ok, false)
    equal(value.handled, true)
    local depth = 0
    xpcall(function() error("x") end, function(m)
      depth = depth + 1
      return m
    end)
    equal(depth, 1)
    truth(xpcall(function() local x = nil + 1 end, function(m) return m end) == false)
    local handled, message = xpcall(function() error("first") end, function() error("in handler") end)
    equal(handled, false)
    truth(message ~= nil)
    truth(select(2, xpcall(function() error("x") end, debug.traceback)):find("stack traceback", 1, true))
  end,

  rethrowing_keeps_the_value = function()
    local original = { id = 1 }
    local ok, e = pcall(function()
      local ok1, e1 = pcall(error, original)
      error(e1)
    end)
    equal(ok, false)
    equal(e, original)
    local text = message_of(function()
      local _, m = pcall(function() error("deep") end)
      error(m, 0)
    end)
    truth(text:find(":%d+: deep$"))
    equal(select(2, text:gsub(":%d+:", "")), 1)
  end,

  errors_in_nested_functions_unwind_cleanly = function()
    local log = {}
    local function level(n)
      local ok, e = pcall(function()
        if n == 0 then error("bottom", 0) end
        level(n - 1)
      end)
      log[#log + 1] = n
      if not ok then error(e .. n, 0) end
    end
    equal(message_of(level, 3), "bottom0123")
    equal(table.concat(log), "0123")
  end,

  stack_overflow_is_an_error = function()
    local function forever() return 1 + forever() end
    local text = message_of(forever)
    truth(text:find("stack overflow", 1, true))
    truth(#text < 2000)
    equal(1 + 1, 2)
    local function handler_overflow() return handler_overflow() + 1 end
    local ok, m = xpcall(forever, function(e) return e end)
    equal(ok, false)
    truth(tostring(m):find("stack overflow", 1, true))
    local ok2 = xpcall(forever, handler_overflow)
    equal(ok2, false)
    local t = setmetatable({}, {})
    getmetatable(t).__index = function(_, k) return t[k .. "x"] end
    truth(message_of(function() return t.a end):find("overflow", 1, true))
    local big = {}
    for i = 1, 50 do big[i] = tostring(i) end
    equal(#big, 50)
  end,

  long_messages_and_names = function()
    local text = message_of(load("error('x')", ("long source "):rep(20)))
    truth(text:find("%[string \"long source"))
    truth(text:find("..."))
    truth(#text < 100)
    equal(message_of(load("error('x')", "=" .. ("n"):rep(100))):sub(1, 10), ("n"):rep(10))
    local huge = ("e"):rep(100000)
    equal(#message_of(error, huge, 0), 100000)
    local name = ("v"):rep(300)
    truth(message_of(load("return " .. name .. ".x")):find("attempt to index a nil value", 1, true))
  end,

  tostring_on_error_objects_is_up_to_the_catcher = function()
    local e = setmetatable({}, { __tostring = function() error("no text") end })
    local ok, got = pcall(error, e)
    equal(ok, false)
    equal(got, e)
    equal(pcall(tostring, got), false)
    local nice = setmetatable({}, { __tostring = function() return "nice" end })
    equal(tostring(select(2, pcall(error, nice))), "nice")
  end,
})

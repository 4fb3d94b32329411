local check = require("check")
local equal, raises, truth, results, malformed = check.equal, check.raises, check.truth, check.results, check.malformed

local log

local function closer(name)
  return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. ":" .. tostring(e) end })
end

return check.suite({
  constants = function()
    local a <const>, b = 1, 2
    b = b + a
    equal(b, 3)
    local text <const> = "folded"
    equal(text .. a, "folded1")
    malformed("attempt to assign to const variable 'x'", "local x <const> = 1; x = 2")
    malformed("attempt to assign to const variable 'x'", "local x <const> = 1; return function() x = 2 end")
    malformed("attempt to assign to const variable 'x'", "local x <close> = nil; x = 2")
    malformed("attempt to assign to const variable 'x'", "local x <const> = 1; for i = 1, 2 do local y; x, y = 1, 2 end")
    malformed("unknown attribute", "local x <constant> = 1")
    local t <const> = {}
    t.field = 1
    equal(t.field, 1)
    local function inner() local t = 2; return t end
    equal(inner(), 2)
  end,

  closed_in_reverse_order = function()
    log = {}
    do
      local a <close> = closer("a")
      local b <close> = closer("b")
      local c <close> = nil
      local d <close> = false
      log[#log + 1] = "body"
    end
    equal(table.concat(log, " "), "body b:nil a:nil")
  end,

  closed_on_return_with_the_results_kept = function()
    log = {}
    local function f()
      local a <close> = closer("a")
      return "x", "y", (function() log[#log + 1] = "evaluated" return "z" end)()
    end
    results({ "x", "y", "z" }, f())
    equal(table.concat(log, " "), "evaluated a:nil")
    local function not_tail() local a <close> = closer("b") return select("#", log) end
    equal(not_tail(), 1)
  end,

  closed_on_error_with_the_error = function()
    log = {}
    local ok, e = pcall(function()
      local a <close> = closer("a")
      local b <close> = closer("b")
      error("boom", 0)
    end)
    equal(ok, false)
    equal(e, "boom")
    equal(table.concat(log, " "), "b:boom a:boom")
  end,

  errors_in_handlers_replace = function()
    log = {}
    local ok, e = pcall(function()
      local a <close> = closer("a")
      local b <close> = setmetatable({}, { __close = function() error("second", 0) end })
      error("first", 0)
    end)
    equal(ok, false)
    equal(e, "second")
    equal(table.concat(log, " "), "a:second")
    ok, e = pcall(function()
      local b <close> = setmetatable({}, { __close = function() error("only", 0) end })
      return "lost"
    end)
    equal(ok, false)
    equal(e, "only")
  end,

  values_without_close_are_refused = function()
    raises("variable 'x' got a non-closable value", function() local x <close> = {} end)
    raises("variable 'x' got a non-closable value", function() local x <close> = 42 end)
    log = {}
    raises("variable 'y' got a non-closable value", function()
      local a <close> = closer("a")
      local y <close> = "no"
    end)
    equal(#log, 1)
  end,

  generic_for_closes_its_fourth_value = function()
    log = {}
    local function iterate(n)
      local i = 0
      return function()
        i = i + 1
        if i <= n then return i end
      end, nil, nil, closer("iter")
    end
    local sum = 0
    for i in iterate(3) do sum = sum + i end
    equal(sum, 6)
    for i in iterate(5) do if i == 2 then break end end
    pcall(function() for i in iterate(5) do error("out", 0) end end)
    equal(table.concat(log, " "), "iter:nil iter:nil iter:out")
  end,

  closed_in_coroutines = function()
    log = {}
    local co = coroutine.wrap(function()
      local a <close> = closer("a")
      coroutine.yield(1)
      local b <close> = setmetatable({}, { __close = function() coroutine.yield("closing") log[#log + 1] = "b" end })
      return "result"
    end)
    equal(co(), 1)
    equal(co(), "closing")
    equal(co(), "result")
    equal(table.concat(log, " "), "b a:nil")
    local failing = coroutine.create(function()
      local a <close> = closer("c")
      error("co", 0)
    end)
    results({ false, "co" }, coroutine.resume(failing))
    coroutine.close(failing)
    equal(log[#log], "c:co")
  end,

  loops_close_each_turn = function()
    log = {}
    for i = 1, 3 do
      local c <close> = closer("c" .. i)
    end
    local i = 0
    while i < 2 do
      i = i + 1
      local w <close> = closer("w" .. i)
    end
    repeat
      local r <close> = closer("r")
    until true
    equal(table.concat(log, " "), "c1:nil c2:nil c3:nil w1:nil w2:nil r:nil")
  end,

  handlers_see_the_current_metatable = function()
    log = {}
    local mt = {}
    do
      mt.__close = function() log[#log + 1] = "old" end
      local x <close> = setmetatable({}, mt)
      mt.__close = function() log[#log + 1] = "new" end
    end
    equal(log[1], "new")
    raises("metamethod 'close'", function()
      local x <close> = setmetatable({}, mt)
      mt.__close = nil
    end)
    truth(#log == 1)
  end,
})

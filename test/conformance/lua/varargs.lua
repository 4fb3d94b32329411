local check = require("check")
local equal, raises, results = check.equal, check.raises, check.results

return check.suite({
  counts_are_exact = function()
    local function count(...) return select("#", ...) end
    equal(count(), 0)
    equal(count(nil), 1)
    equal(count(nil, nil), 2)
    equal(count(1, nil, 3, nil), 4)
    equal(count(table.unpack({}, 1, 150)), 150)
    local function pass(...) return ... end
    equal(count(pass()), 0)
    equal(count((pass())), 1)
    equal(count(pass(1, 2, 3)), 3)
    equal(count(pass(1, 2, 3), 4), 2)
    equal(count(4, pass(1, 2, 3)), 4)
    equal(count((pass(1, 2, 3))), 1)
  end,

  select_picks = function()
    results({ "b", "c" }, select(2, "a", "b", "c"))
    results({ "c" }, select(-1, "a", "b", "c"))
    results({ "b", "c" }, select(-2, "a", "b", "c"))
    results({ n = 0 }, select(4, "a", "b", "c"))
    results({ n = 0 }, select(2 ^ 31, 1))
    raises("index out of range", select, 0, 1)
    raises("index out of range", select, -2, 1)
    raises("number expected, got no value", select)
  end,

  varargs_in_tables_and_closures = function()
    local function pack(...) return { n = select("#", ...), ... } end
    local t = pack(1, nil, 3)
    equal(t.n, 3)
    equal(t[1], 1)
    equal(t[2], nil)
    equal(t[3], 3)
    local function capture(...)
      local args = table.pack(...)
      return function(i) return args[i] end
    end
    local get = capture("x", nil, "z")
    equal(get(1), "x")
    equal(get(2), nil)
    equal(get(3), "z")
    local function first_rest(a, ...) return a, ... end
    results({ n = 1 }, first_rest())
    results({ 1, 2 }, first_rest(1, 2))
  end,

  adjustment_in_assignments = function()
    local function three() return 1, 2, 3 end
    local a, b, c, d = three()
    results({ n = 4, 1, 2, 3 }, a, b, c, d)
    a, b, c, d = three(), 10
    results({ n = 4, 1, 10 }, a, b, c, d)
    a, b, c, d = 0, three()
    results({ 0, 1, 2, 3 }, a, b, c, d)
    local function none() end
    a, b = none()
    results({ n = 2 }, a, b)
    a, b = none(), none()
    results({ n = 2 }, a, b)
    a, b = (none())
    results({ n = 2 }, a, b)
    raises("value expected", type, none())
  end,

  tail_calls_keep_every_result = function()
    local function loop(n, ...)
      if n == 0 then return ... end
      return loop(n - 1, n, ...)
    end
    equal(select("#", loop(100)), 100)
    results({ 1, 2, 3 }, loop(3))
    local function down(n) if n == 0 then return "done" end return down(n - 1) end
    equal(down(100000), "done")
    local function even(n) if n == 0 then return true end return (n % 2 == 0 and even or even)(n - 1) end
    equal(even(20000), true)
  end,

  many_arguments = function()
    local many = {}
    for i = 1, 240 do many[i] = i end
    local function sum(...)
      local s = 0
      for i = 1, select("#", ...) do s = s + (select(i, ...)) end
      return s
    end
    equal(sum(table.unpack(many)), 240 * 241 // 2)
    equal(math.max(table.unpack(many)), 240)
    equal(#string.char(table.unpack(many)), 240)
    equal(select("#", string.byte(("x"):rep(200), 1, -1)), 200)
    local params = {}
    for i = 1, 200 do params[i] = "p" .. i end
    local f = load("local function f(" .. table.concat(params, ",") .. ") return p1 + p200 end return f")()
    equal(f(table.unpack(many)), 201)
    equal(pcall(table.unpack, many, 1, 1e7), false)
  end,

  main_chunks_are_vararg = function()
    results({ 1, 2 }, load("return ...")(1, 2))
    results({ n = 0 }, load("return ...")())
    equal(load("local a, b = ... return b")(1, 2), 2)
    equal(load("return select('#', ...)")(nil, nil), 2)
  end,

  metamethod_call_passes_self_and_varargs = function()
    local callable = setmetatable({}, { __call = function(self, ...) return self, select("#", ...), ... end })
    local self, n, a, b = callable(1, nil)
    equal(self, callable)
    equal(n, 2)
    equal(a, 1)
    equal(b, nil)
    local chained = setmetatable({}, { __call = callable })
    equal(select(2, chained("x")), 2)
    local function deep(depth)
      local f = function(...) return select("#", ...) end
      for _ = 1, depth do f = setmetatable({}, { __call = f }) end
      return f()
    end
    equal(deep(10), 10)
  end,
})

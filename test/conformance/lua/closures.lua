local check = require("check")
local equal, raises, truth = check.equal, check.raises, check.truth

local outer_count = 0

return check.suite({
  counters_are_independent = function()
    local function counter()
      local n = 0
      return function() n = n + 1 return n end
    end
    local a, b = counter(), counter()
    a()
    a()
    equal(a(), 3)
    equal(b(), 1)
  end,

  closures_share_a_variable = function()
    local function pair()
      local v = 0
      return function(x) v = x end, function() return v end
    end
    local set, get = pair()
    set(7)
    equal(get(), 7)
    local set2, get2 = pair()
    set2(8)
    equal(get(), 7)
    equal(get2(), 8)
  end,

  loops_make_a_new_variable_each_time = function()
    local fs = {}
    for i = 1, 5 do fs[i] = function(d) i = i + (d or 0) return i end end
    equal(fs[1](), 1)
    equal(fs[5](10), 15)
    equal(fs[5](), 15)
    equal(fs[4](), 4)
    local gs = {}
    for k, v in pairs({ a = 1, b = 2 }) do gs[k] = function() return v end end
    equal(gs.a() * 10 + gs.b(), 12)
    local hs, i = {}, 0
    while i < 3 do
      i = i + 1
      local j = i
      hs[i] = function() j = j + 1 return j end
    end
    equal(hs[1](), 2)
    equal(hs[1](), 3)
    equal(hs[3](), 4)
    local ks = {}
    local n = 0
    repeat
      local here = n
      ks[#ks + 1] = function() return here end
      n = n + 1
    until here == 3
    equal(ks[1]() + ks[4](), 3)
  end,

  upvalues_survive_their_scope = function()
    local f
    do
      local secret = "kept"
      f = function() return secret end
    end
    local pad = {}
    for i = 1, 1000 do pad[i] = { i } end
    equal(f(), "kept")
    local function nest(a)
      return function(b)
        return function(c)
          a = a + 1
          return a + b + c
        end
      end
    end
    local inner = nest(1)(10)
    equal(inner(100), 112)
    equal(inner(100), 113)
  end,

  upvalues_close_when_an_error_unwinds = function()
    local get
    local ok = pcall(function()
      local x = 1
      get = function() x = x + 1 return x end
      error("leave")
    end)
    equal(ok, false)
    equal(get(), 2)
    equal(get(), 3)
    local co_get
    local co = coroutine.create(function()
      local y = 10
      co_get = function() y = y + 1 return y end
      coroutine.yield()
      y = 100
    end)
    coroutine.resume(co)
    equal(co_get(), 11)
    coroutine.resume(co)
    equal(co_get(), 101)
  end,

  recursion_through_locals = function()
    local function fact(n) return n <= 1 and 1 or n * fact(n - 1) end
    equal(fact(20), 2432902008176640000)
    local even, odd
    function even(n) return n == 0 or odd(n - 1) end
    function odd(n) return n ~= 0 and even(n - 1) end
    truth(even(1000))
    local Y = function(f)
      local function g(x) return f(function(...) return x(x)(...) end) end
      return g(g)
    end
    equal(Y(function(self) return function(n) return n < 2 and n or self(n - 1) + self(n - 2) end end)(15), 610)
    local shadow = 1
    local shadow = function() return shadow end
    equal(shadow(), 1)
  end,

  limits_on_upvalues = function()
    local parts = {}
    for i = 1, 190 do parts[#parts + 1] = ("local u%d = %d"):format(i, i) end
    local names = {}
    for i = 1, 190 do names[i] = "u" .. i end
    local source = table.concat(parts, "\n") .. "\nreturn function() return " .. table.concat(names, " + ") .. " end"
    equal(load(source)()(), 190 * 191 // 2)
    local many = {}
    for level = 1, 2 do
      many[#many + 1] = "local function f" .. level .. "()"
      for i = 1, 150 do many[#many + 1] = ("local v%d_%d = 0"):format(level, i) end
    end
    local uses = {}
    for level = 1, 2 do
      for i = 1, 150 do uses[#uses + 1] = ("v%d_%d"):format(level, i) end
    end
    many[#many + 1] = "return function() return " .. table.concat(uses, " + ") .. " end end end"
    local chunk, message = load(table.concat(many, "\n"))
    equal(chunk, nil)
    truth(message:find("upvalues", 1, true))
  end,

  module_state_starts_fresh_in_every_call = function()
    outer_count = outer_count + 1
    equal(outer_count, 1)
  end,

  method_definitions = function()
    local object = { n = 0, inner = { deep = {} } }
    function object:add(k) self.n = self.n + k return self end
    function object.plain(x) return x end
    function object.inner.deep.f() return "deep" end
    function object.inner.deep:g() return self end
    equal(object:add(2):add(3).n, 5)
    equal(object.plain(4), 4)
    equal(object.inner.deep.f(), "deep")
    equal(object.inner.deep:g(), object.inner.deep)
    raises("attempt to index a nil value (field 'nope')", function() return object.nope.x end)
    raises("attempt to call a nil value (method 'nope')", function() object:nope() end)
  end,
})

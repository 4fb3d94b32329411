local check = require("check")
local equal, raises, truth, results = check.equal, check.raises, check.truth, check.results

return check.suite({
  values_go_both_ways = function()
    local co = coroutine.create(function(a, b)
      local c = coroutine.yield(a + b)
      local d, e = coroutine.yield(c * 2)
      return d, e, nil
    end)
    results({ true, 3 }, coroutine.resume(co, 1, 2))
    results({ true, 20 }, coroutine.resume(co, 10))
    results({ n = 4, true, "x", "y" }, coroutine.resume(co, "x", "y"))
    results({ false, "cannot resume dead coroutine" }, coroutine.resume(co))
    local none = coroutine.create(function() return coroutine.yield() end)
    results({ true }, coroutine.resume(none))
    results({ n = 3, true, nil, nil }, coroutine.resume(none, nil, nil))
  end,

  status = function()
    local co
    co = coroutine.create(function()
      equal(coroutine.status(co), "running")
      local inner = coroutine.create(function() equal(coroutine.status(co), "normal") end)
      coroutine.resume(inner)
      coroutine.yield()
    end)
    equal(coroutine.status(co), "suspended")
    coroutine.resume(co)
    equal(coroutine.status(co), "suspended")
    coroutine.resume(co)
    equal(coroutine.status(co), "dead")
    local failed = coroutine.create(error)
    coroutine.resume(failed, "x")
    equal(coroutine.status(failed), "dead")
    raises("expected", coroutine.status, {})
  end,

  wrap_raises_and_ends = function()
    local f = coroutine.wrap(function(...) error("inside " .. select("#", ...)) end)
    raises("inside 2", f, 1, 2)
    raises("cannot resume dead coroutine", f)
    local g = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
    local sum = 0
    for i in g do sum = sum + i end
    equal(sum, 6)
    local h = coroutine.wrap(function() error({ code = 5 }) end)
    local ok, e = pcall(h)
    equal(ok, false)
    equal(e.code, 5)
    raises("function expected", coroutine.wrap, 1)
    raises("function expected", coroutine.create)
  end,

  running_and_isyieldable = function()
    local outer, outer_is_main = coroutine.running()
    equal(type(outer), "thread")
    equal(type(outer_is_main), "boolean")
    local co = coroutine.create(function()
      local me, main = coroutine.running()
      return me, main, coroutine.isyieldable()
    end)
    local _, me, main, yieldable = coroutine.resume(co)
    equal(me, co)
    equal(main, false)
    equal(yieldable, true)
    truth(me ~= outer)
  end,

  generators = function()
    local function permutations(a)
      local function gen(n)
        if n == 0 then coroutine.yield(table.concat(a)) return end
        for i = 1, n do
          a[n], a[i] = a[i], a[n]
          gen(n - 1)
          a[n], a[i] = a[i], a[n]
        end
      end
      return coroutine.wrap(function() gen(#a) end)
    end
    local seen, n = {}, 0
    for p in permutations({ "a", "b", "c", "d" }) do
      if seen[p] then error("repeated") end
      seen[p] = true
      n = n + 1
    end
    equal(n, 24)
    local function numbers() return coroutine.wrap(function() for i = 2, math.huge do coroutine.yield(i) end end) end
    local function filter(p, g)
      return coroutine.wrap(function()
        for v in g do if v % p ~= 0 then coroutine.yield(v) end end
      end)
    end
    local source, primes = numbers(), {}
    while #primes < 15 do
      local p = source()
      primes[#primes + 1] = p
      source = filter(p, source)
    end
    equal(table.concat(primes, " "), "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47")
  end,

  yields_across_pcall_and_iterators = function()
    local co = coroutine.wrap(function()
      local ok, value = pcall(function()
        local got = coroutine.yield(1)
        error("after " .. got, 0)
      end)
      coroutine.yield(value)
      local ok2, handled = xpcall(function() coroutine.yield(2) error("deep", 0) end, function(m) return "handled " .. m end)
      coroutine.yield(handled)
      for k in coroutine.wrap(function() coroutine.yield("iter") end) do coroutine.yield(k) end
      for k in function(_, prev) if not prev then return coroutine.yield("custom") end end do coroutine.yield("got " .. k) end
      return ok, ok2
    end)
    equal(co(), 1)
    equal(co("x"), "after x")
    equal(co(), 2)
    equal(co(), "handled deep")
    equal(co(), "iter")
    equal(co(), "custom")
    equal(co("v"), "got v")
    results({ false, false }, co())
  end,

  yields_are_refused_across_c_calls = function()
    local function inside(f)
      local co = coroutine.create(f)
      local ok, message = coroutine.resume(co)
      equal(ok, false)
      truth(message:find("attempt to yield across a C-call boundary", 1, true))
    end
    inside(function() table.sort({ 3, 2, 1 }, function() coroutine.yield() end) end)
    inside(function() return (("x"):gsub("x", function() coroutine.yield() end)) end)
    inside(function() return tostring(setmetatable({}, { __tostring = function() coroutine.yield() end })) end)
    inside(function()
      local chunk, message = load(function() coroutine.yield() end)
      error(message, 0)
    end)
  end,

  resume_of_the_wrong_coroutine = function()
    local co
    co = coroutine.create(function() return coroutine.resume(co) end)
    results({ true, false, "cannot resume non-suspended coroutine" }, coroutine.resume(co))
    local outer
    outer = coroutine.create(function()
      local inner = coroutine.create(function() return coroutine.resume(outer) end)
      return coroutine.resume(inner)
    end)
    results({ true, true, false, "cannot resume non-suspended coroutine" }, coroutine.resume(outer))
    raises("expected", coroutine.resume, 1)
    local wrapped
    wrapped = coroutine.wrap(function() return pcall(wrapped) end)
    local ok, message = wrapped()
    equal(ok, false)
    truth(message:find("non-suspended", 1, true))
  end,

  close_ends_and_runs_handlers = function()
    local log = {}
    local co = coroutine.create(function()
      local a <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = "a" .. tostring(e) end })
      local b <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = "b" .. tostring(e) end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    equal(coroutine.close(co), true)
    equal(coroutine.status(co), "dead")
    equal(table.concat(log, " "), "bnil anil")
    equal(coroutine.close(co), true)
    local broken = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() error("in close", 0) end })
      coroutine.yield()
    end)
    coroutine.resume(broken)
    results({ false, "in close" }, coroutine.close(broken))
    equal(coroutine.status(broken), "dead")
    local failed = coroutine.create(function() error({ code = 1 }) end)
    coroutine.resume(failed)
    local ok, e = coroutine.close(failed)
    equal(ok, false)
    equal(e.code, 1)
    equal(coroutine.close(coroutine.create(print)), true)
    local me = coroutine.create(function() return pcall(coroutine.close, (coroutine.running())) end)
    local _, closed, why = coroutine.resume(me)
    equal(closed, false)
    truth(why:find("cannot close a running coroutine", 1, true))
  end,

  errors_carry_any_value = function()
    for _, value in ipairs({ 1, 2.5, "s", true, {} }) do
      local co = coroutine.create(function() error(value) end)
      local ok, e = coroutine.resume(co)
      equal(ok, false)
      if type(value) == "string" then
        truth(e:find("s$"))
      else
        equal(e, value)
      end
    end
    local ok, e = coroutine.resume(coroutine.create(function() error() end))
    equal(ok, false)
    equal(e, nil)
  end,

  many_coroutines = function()
    local all = {}
    for i = 1, 500 do
      all[i] = coroutine.create(function() for j = 1, 3 do coroutine.yield(i * j) end return "end" end)
    end
    local sum = 0
    for _ = 1, 3 do
      for i = 1, 500 do
        local _, v = coroutine.resume(all[i])
        sum = sum + v
      end
    end
    equal(sum, (1 + 2 + 3) * 500 * 501 // 2)
    for i = 1, 500 do
      local ok, v = coroutine.resume(all[i])
      if not ok or v ~= "end" then error("wrong end") end
    end
    equal(coroutine.status(all[500]), "dead")
  end,

  deep_stacks_and_many_values_cross = function()
    local function deep(n) if n == 0 then return coroutine.yield("bottom") end return (deep(n - 1)) + 1 end
    local co = coroutine.wrap(deep)
    equal(co(1000), "bottom")
    equal(co(5), 1005)
    local wide = coroutine.wrap(function(...) return select("#", coroutine.yield(...)) end)
    local t = {}
    for i = 1, 150 do t[i] = i end
    equal(select("#", wide(table.unpack(t))), 150)
    equal(wide(table.unpack(t)), 150)
  end,

  nested_resumes_are_bounded_by_an_error = function()
    local function nest(n)
      local co = coroutine.create(function() return nest(n + 1) end)
      local ok, v = coroutine.resume(co)
      if ok then return v end
      return n
    end
    local depth = nest(0)
    truth(depth > 50 and depth < 1000)
    equal(math.type(depth), "integer")
  end,
})

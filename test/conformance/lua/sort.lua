local check = require("check")
local equal, raises, truth = check.equal, check.raises, check.truth

local function sorted(t, less)
  less = less or function(a, b) return a < b end
  for i = 2, #t do
    if less(t[i], t[i - 1]) then return false end
  end
  return true
end

local function pseudo(n, seed)
  local t = {}
  for i = 1, n do
    seed = (seed * 1103515245 + 12345) % 2147483648
    t[i] = seed
  end
  return t
end

return check.suite({
  small_tables = function()
    local function of(t) table.sort(t) return table.concat(t, ",") end
    equal(of({}), "")
    equal(of({ 1 }), "1")
    equal(of({ 2, 1 }), "1,2")
    equal(of({ 3, 1, 2 }), "1,2,3")
    equal(of({ 5, 5, 5 }), "5,5,5")
    equal(of({ "b", "a", "C" }), "C,a,b")
    equal(of({ 1.5, 1, -2, 1e20 }), "-2,1,1.5,1e+20")
    equal(of({ -0.0, 0 }) ~= nil, true)
  end,

  every_permutation_of_six = function()
    local base = { 1, 2, 3, 4, 5, 6 }
    local n = 0
    local function permute(k)
      if k == 0 then
        local copy = table.move(base, 1, 6, 1, {})
        table.sort(copy)
        n = n + 1
        if table.concat(copy) ~= "123456" then error("wrong order") end
        return
      end
      for i = 1, k do
        base[i], base[k] = base[k], base[i]
        permute(k - 1)
        base[i], base[k] = base[k], base[i]
      end
    end
    permute(6)
    equal(n, 720)
  end,

  large_tables = function()
    for _, n in ipairs({ 100, 1000, 5000 }) do
      local t = pseudo(n, n)
      table.sort(t)
      truth(sorted(t))
      table.sort(t)
      truth(sorted(t))
      table.sort(t, function(a, b) return a > b end)
      truth(sorted(t, function(a, b) return a > b end))
      equal(#t, n)
    end
  end,

  patterns_that_hurt_quicksort = function()
    local shapes = {
      function(i) return i end,
      function(i, n) return n - i end,
      function() return 1 end,
      function(i) return i % 2 end,
      function(i, n) return i <= n // 2 and i or n - i end,
      function(i) return i % 10 end,
    }
    for _, shape in ipairs(shapes) do
      local t = {}
      for i = 1, 1000 do t[i] = shape(i, 1000) end
      table.sort(t)
      truth(sorted(t))
    end
  end,

  comparators = function()
    local t = { { k = 3 }, { k = 1 }, { k = 2 } }
    table.sort(t, function(a, b) return a.k < b.k end)
    equal(t[1].k * 100 + t[2].k * 10 + t[3].k, 123)
    local words = { "pear", "fig", "banana", "kiwi" }
    table.sort(words, function(a, b) if #a ~= #b then return #a < #b end return a < b end)
    equal(table.concat(words, " "), "fig kiwi pear banana")
    local mt = { __lt = function(a, b) return a.v < b.v end }
    local objects = {}
    for i = 1, 50 do objects[i] = setmetatable({ v = (i * 37) % 50 }, mt) end
    table.sort(objects)
    for i = 2, 50 do if objects[i].v < objects[i - 1].v then error("order") end end
    equal(objects[1].v, 0)
  end,

  wrong_comparators_end_without_damage = function()
    local t = {}
    for i = 1, 100 do t[i] = i end
    local ok, message = pcall(table.sort, t, function() return true end)
    equal(ok, false)
    truth(message:find("invalid order function", 1, true))
    equal(#t, 100)
    raises("attempt to compare", table.sort, { 1, "x", 2 })
    raises("attempt to compare", table.sort, { {}, {} })
    raises("function expected", table.sort, { 2, 1 }, 1)
    raises("function expected", table.sort, { 2, 1 }, {})
    local calls = 0
    ok = pcall(table.sort, pseudo(100, 1), function(a, b)
      calls = calls + 1
      if calls == 50 then error("stop") end
      return a < b
    end)
    equal(ok, false)
    equal(calls, 50)
  end,

  limits = function()
    raises("array too big", table.sort, setmetatable({}, { __len = function() return math.maxinteger end }))
    local store = { 5, 3, 4, 1, 2 }
    local proxy = setmetatable({}, {
      __len = function() return #store end,
      __index = function(_, i) return store[i] end,
      __newindex = function(_, i, v) store[i] = v end,
    })
    table.sort(proxy)
    equal(table.concat(store), "12345")
    equal(rawlen(proxy), 0)
    equal(select("#", table.sort({ 1 })), 0)
    raises("table expected", table.sort, nil)
    raises("object length is not an integer", table.sort, setmetatable({}, { __len = function() return "x" end }))
  end,

  nan_does_not_hang = function()
    local t = {}
    for i = 1, 100 do t[i] = i % 7 == 0 and 0 / 0 or i end
    local ok, message = pcall(table.sort, t)
    truth(ok or message:find("invalid order function", 1, true))
    equal(#t, 100)
  end,
})

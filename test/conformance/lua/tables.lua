local check = require("check")
local equal, raises, results, truth, falsehood = check.equal, check.raises, check.results, check.truth, check.falsehood

local function join(t) return table.concat(t, ",") end

return check.suite({
  constructors = function()
    local t = { 1, 2, x = "x", [10] = "ten", 3, [2 + 2] = "four" }
    equal(#{ 1, 2, 3 }, 3)
    equal(t[3], 3)
    equal(t.x, "x")
    equal(t[10], "ten")
    equal(t[4], "four")
    local function two() return "a", "b" end
    equal(#{ two() }, 2)
    equal(#{ two(), two() }, 3)
    equal(#{ two(), nil }, 1)
    equal(#{ (two()) }, 1)
    equal(#{ two(); two(), }, 3)
    local order = {}
    local function mark(x) order[#order + 1] = x return x end
    local _ = { mark(1), [mark(2)] = mark(3), mark(4) }
    equal(join(order), "1,2,3,4")
    equal(({ 1, [1] = 2 })[1], 1)
    local big = {}
    for i = 1, 300 do big[i] = "v" .. i end
    local made = load("return { " .. table.concat((function() local p = {} for i = 1, 300 do p[i] = string.format("%q", big[i]) end return p end)(), ", ") .. " }")()
    equal(#made, 300)
    equal(made[300], "v300")
  end,

  insert_and_remove = function()
    local t = {}
    table.insert(t, "a")
    table.insert(t, "c")
    table.insert(t, 2, "b")
    table.insert(t, 1, "z")
    equal(join(t), "z,a,b,c")
    table.insert(t, #t + 1, "end")
    equal(join(t), "z,a,b,c,end")
    equal(table.remove(t), "end")
    equal(table.remove(t, 1), "z")
    equal(table.remove(t, 2), "b")
    equal(join(t), "a,c")
    equal(table.remove(t, #t + 1), nil)
    equal(table.remove({}), nil)
    equal(table.remove({}, 0), nil)
    equal(table.remove({ [0] = "zero" }, 0), "zero")
    raises("position out of bounds", table.insert, { 1, 2 }, 4, "x")
    raises("position out of bounds", table.insert, { 1, 2 }, 0, "x")
    raises("position out of bounds", table.remove, { 1, 2 }, 5)
    raises("wrong number of arguments to 'insert'", table.insert, {})
    raises("wrong number of arguments to 'insert'", table.insert, {}, 1, 2, 3)
    raises("table expected, got nil", table.insert, nil, 1)
  end,

  concat = function()
    equal(table.concat({}), "")
    equal(table.concat({ "a" }, ","), "a")
    equal(table.concat({ 1, 2.5, "x" }, "-"), "1-2.5-x")
    equal(table.concat({ 1, 2, 3, 4 }, ",", 2, 3), "2,3")
    equal(table.concat({ 1, 2 }, ",", 3), "")
    equal(table.concat({ "a\0", "b" }, "\0"), "a\0\0b")
    equal(table.concat({ [5] = "x" }, ",", 5, 5), "x")
    equal(table.concat({ [math.maxinteger] = "last" }, ",", math.maxinteger, math.maxinteger), "last")
    raises("invalid value", table.concat, { {} })
    raises("at index 2", table.concat, { 1, nil, 3 }, ",", 1, 3)
    raises("invalid value", table.concat, { true })
  end,

  pack_and_unpack = function()
    local p = table.pack(1, nil, 3, nil)
    equal(p.n, 4)
    equal(p[3], 3)
    equal(table.pack().n, 0)
    results({ 1, 2, 3 }, table.unpack({ 1, 2, 3 }))
    results({ 2, 3 }, table.unpack({ 1, 2, 3 }, 2))
    results({ n = 2, nil, 1 }, table.unpack({ 1 }, 0, 1))
    results({ n = 0 }, table.unpack({}, 1, 0))
    results({ n = 3 }, table.unpack({}, 1, 3))
    results({ n = 2 }, table.unpack({}, math.maxinteger - 1, math.maxinteger))
    results({ n = 0 }, table.unpack({}, math.maxinteger, math.mininteger))
    raises("too many results to unpack", table.unpack, {}, 1, 1e8)
    raises("too many results to unpack", table.unpack, {}, math.mininteger, math.maxinteger)
    raises("too many results to unpack", table.unpack, {}, 0, math.maxinteger)
    equal(select("#", table.unpack({}, 1, 200)), 200)
  end,

  move = function()
    equal(join(table.move({ 1, 2, 3 }, 1, 3, 2)), "1,1,2,3")
    equal(join(table.move({ 1, 2, 3 }, 2, 3, 1)), "2,3,3")
    equal(join(table.move({ 1, 2, 3 }, 1, 3, 1, {})), "1,2,3")
    equal(join(table.move({ 1, 2, 3 }, 1, 0, 5)), "1,2,3")
    local far = table.move({ "a", "b" }, 1, 2, math.maxinteger - 1, {})
    equal(far[math.maxinteger], "b")
    equal(far[math.maxinteger - 1], "a")
    raises("too many elements to move", table.move, {}, math.mininteger, math.maxinteger, 1)
    raises("destination wrap around", table.move, {}, 1, math.maxinteger, 2)
    local log = {}
    local watched = setmetatable({}, { __newindex = function(_, k, v) log[#log + 1] = k .. "=" .. v end })
    table.move({ 7, 8 }, 1, 2, 1, watched)
    equal(join(log), "1=7,2=8")
  end,

  borders = function()
    equal(#{}, 0)
    equal(#{ 1, 2, nil }, 2)
    equal(#{ n = 1 }, 0)
    local t = {}
    for i = 1, 1000 do t[i] = i end
    equal(#t, 1000)
    for i = 1000, 501, -1 do t[i] = nil end
    equal(#t, 500)
    local border = #({ 1, nil, 3 })
    truth(border == 1 or border == 3)
    local s = setmetatable({}, { __len = function() return 42 end })
    equal(#s, 42)
    equal(rawlen(s), 0)
    equal(rawlen("abc"), 3)
    raises("table or string expected", rawlen, 5)
  end,

  next_and_pairs_visit_every_key_once = function()
    local t = { 1, 2, 3, a = 1, b = 2, [1.5] = 3, [true] = 4 }
    local n, seen = 0, {}
    for k in pairs(t) do
      n = n + 1
      falsehood(seen[k])
      seen[k] = true
    end
    equal(n, 7)
    equal(next({}), nil)
    equal(next({ 5 }), 1)
    results({ nil, n = 1 }, next({ 5 }, 1))
    raises("invalid key to 'next'", next, { 1, 2 }, "missing")
    raises("table expected", next, 1)
    for k in pairs(t) do t[k] = nil end
    equal(next(t), nil)
    local u = {}
    for i = 1, 100 do u["k" .. i] = i end
    for k, v in pairs(u) do u[k] = v + 1 end
    equal(u.k1 + u.k100, 2 + 101)
    for k, v in pairs(u) do if v % 2 == 0 then u[k] = nil end end
    local left = 0
    for _ in pairs(u) do left = left + 1 end
    equal(left, 50)
  end,

  ipairs_stops_at_nil_and_respects_index = function()
    local n = 0
    for _ in ipairs({ 1, 2, nil, 4 }) do n = n + 1 end
    equal(n, 2)
    local proxy = setmetatable({}, { __index = function(_, i) if i <= 3 then return i * 10 end end })
    local sum = 0
    for i, v in ipairs(proxy) do sum = sum + v + i end
    equal(sum, 66)
    raises("expected", ipairs)
  end,

  pairs_metamethod = function()
    local t = setmetatable({}, { __pairs = function(self) return function(_, k) if not k then return 1, "one" end end, self, nil end })
    local got = {}
    for k, v in pairs(t) do got[#got + 1] = k .. v end
    equal(join(got), "1one")
    raises("table expected", function() for _ in pairs(nil) do end end)
  end,

  raw_access = function()
    local t = setmetatable({}, { __index = function() return "computed" end, __newindex = function() error("blocked") end, __eq = function() return true end })
    equal(t.x, "computed")
    equal(rawget(t, "x"), nil)
    rawset(t, "x", 1)
    equal(t.x, 1)
    raises("blocked", function() t.y = 1 end)
    truth(t == setmetatable({}, getmetatable(t)))
    falsehood(rawequal(t, setmetatable({}, getmetatable(t))))
    truth(rawequal(t, t))
    raises("index is nil", rawset, t, nil, 1)
    equal(rawset(t, 1, 2), t)
  end,

  many_keys_of_many_kinds = function()
    local t = {}
    for i = 1, 2000 do
      t[i] = i
      t["s" .. i] = i
      t[i + 0.5] = i
      t[-i] = i
    end
    local n = 0
    for _ in pairs(t) do n = n + 1 end
    equal(n, 8000)
    for i = 1, 2000, 3 do
      if t[i] ~= i or t["s" .. i] ~= i or t[i + 0.5] ~= i or t[-i] ~= i then error("lost key " .. i) end
    end
    local f, g = function() end, {}
    t[f], t[g] = "f", "g"
    equal(t[f] .. t[g], "fg")
    equal(t[{}], nil)
  end,

  sequences_used_as_queues = function()
    local first, last, q, sum = 1, 0, {}, 0
    for i = 1, 5000 do
      last = last + 1
      q[last] = i
      if i % 3 == 0 then
        sum = sum + q[first]
        q[first] = nil
        first = first + 1
      end
    end
    equal(last - first + 1, 3334)
    equal(sum, 1666 * 1667 // 2)
  end,
})

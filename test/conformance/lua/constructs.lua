local check = require("check")
local equal, truth, falsehood, results = check.equal, check.truth, check.falsehood, check.results

return check.suite({
  and_or_short_circuit = function()
    local calls = 0
    local function yes() calls = calls + 1 return true end
    equal(false and yes(), false)
    equal(nil and yes(), nil)
    equal(1 or yes(), 1)
    equal(calls, 0)
    equal(nil or false, false)
    equal(false or nil, nil)
    equal(0 and "zero is true", "zero is true")
    equal("" and "so is the empty string", "so is the empty string")
    equal(1 and 2 or 3, 2)
    equal(nil and 2 or 3, 3)
    equal(false == nil, false)
    equal(not 0, false)
    equal(1 < 2 == true, true)
    equal((yes() and nil) or "default", "default")
    equal(calls, 1)
  end,

  every_combination_of_conditions = function()
    local values = { { "nil", nil }, { "false", false }, { "true", true }, { "10", 10 } }
    local function and_(a, b) if a then return b end return a end
    local function or_(a, b) if a then return a end return b end
    for i = 1, 4 do
      for j = 1, 4 do
        for k = 1, 4 do
          local a, b, c = values[i], values[j], values[k]
          local source = ("%s and %s or %s"):format(a[1], b[1], c[1])
          equal(load("return " .. source)(), or_(and_(a[2], b[2]), c[2]), source)
          source = ("%s or %s and %s"):format(a[1], b[1], c[1])
          equal(load("return " .. source)(), or_(a[2], and_(b[2], c[2])), source)
          source = ("not (%s and %s)"):format(a[1], b[1])
          equal(load("return " .. source)(), not and_(a[2], b[2]), source)
          source = ("if %s and %s or %s then return 1 else return 2 end"):format(a[1], b[1], c[1])
          equal(load(source)(), or_(and_(a[2], b[2]), c[2]) and 1 or 2, source)
          source = ("local n = 0 while n < 1 and (%s or %s) do n = n + 1 end return n"):format(a[1], b[1])
          equal(load(source)(), or_(a[2], b[2]) and 1 or 0, source)
        end
      end
    end
  end,

  if_chains = function()
    local function grade(n)
      if n >= 90 then return "A" elseif n >= 80 then return "B" elseif n >= 70 then return "C" else return "F" end
    end
    equal(grade(95) .. grade(85) .. grade(75) .. grade(5), "ABCF")
    if nil then equal(1, 2) elseif false then equal(1, 2) else truth(true) end
  end,

  while_and_repeat = function()
    local n = 0
    while n < 10 do n = n + 1 if n == 5 then break end end
    equal(n, 5)
    repeat local done = n > 7 n = n + 1 until done
    equal(n, 9)
    repeat local x = 1 until x == 1
    while false do n = -1 end
    equal(n, 9)
  end,

  assignments_evaluate_first = function()
    local a, b = 1, 2
    a, b = b, a
    results({ 2, 1 }, a, b)
    local i, t = 1, {}
    i, t[i] = i + 1, 20
    equal(t[1], 20)
    equal(i, 2)
    local x, y, z = 1
    results({ n = 3, 1 }, x, y, z)
    x, y = 1, 2, 3
    results({ 1, 2 }, x, y)
    local s = { a = 1 }
    local key = "a"
    s[key], key = 5, "b"
    equal(s.a, 5)
    equal(s.b, nil)
  end,

  scopes = function()
    local x = 1
    do
      local x = x + 1
      equal(x, 2)
      do local x = x * 10 equal(x, 20) end
      equal(x, 2)
    end
    equal(x, 1)
    local f = function() return x end
    local x = 5
    equal(f(), 1)
    equal(x, 5)
    for x = 10, 10 do equal(x, 10) end
    equal(x, 5)
  end,

  calls_without_parentheses = function()
    local function id(v) return v end
    equal(id"text", "text")
    equal(id[[long]], "long")
    equal(id{ 7 }[1], 7)
    equal(#id"abc", 3)
    local o = { m = function(_, v) return v end }
    equal(o:m"x", "x")
    equal(o:m{ 1 }[1], 1)
    equal(("x"):rep(3), "xxx")
    equal((id(5)), 5)
    local chain = { next = function(self) return self end, v = 9 }
    equal(chain:next():next().v, 9)
  end,

  semicolons_and_empty_statements = function()
    ;;;
    local a = 1; local b = 2;
    equal(a + b, 3);
    do end
    do ; end
    equal(load(";;; return 4;")(), 4)
    equal(load("return")(), nil)
    equal(load("return;")(), nil)
  end,

  generic_for = function()
    local function range(n) return function(limit, i) if i < limit then return i + 1 end end, n, 0 end
    local sum = 0
    for i in range(4) do sum = sum + i end
    equal(sum, 10)
    local seen = {}
    for a, b, c in function(_, k) if not k then return 1, 2 end end do seen = { a, b, c } end
    equal(seen[1] + seen[2], 3)
    equal(seen[3], nil)
    local callable = setmetatable({}, { __call = function(_, _, k) k = (k or 0) + 1 if k <= 2 then return k end end })
    local n = 0
    for k in callable do n = n + k end
    equal(n, 3)
    for _ in pairs({}) do equal(1, 2) end
    truth(true)
  end,

  integer_keys_and_field_names = function()
    local t = { ["and"] = 1, [1] = "i", ["1"] = "s", [1.5] = "f", [true] = "b" }
    equal(t["and"], 1)
    equal(t[1], "i")
    equal(t["1"], "s")
    equal(t[1.5], "f")
    equal(t[true], "b")
    equal(t[false], nil)
    t[t] = t
    equal(t[t][t], t)
    falsehood(t.x)
  end,

  comparison_chains_and_equality = function()
    truth(1 == 1.0)
    falsehood("1" == 1)
    truth("a" .. "b" == "ab")
    truth({} ~= {})
    local f = function() end
    truth(f == f)
    falsehood(f == function() end)
    truth(nil == nil)
    truth(not (1 > 2) and 1 <= 1 and 2 >= 2 and 1 ~= 2)
  end,
})

local check = require("check")
local equal, truth, falsehood, raises = check.equal, check.truth, check.falsehood, check.raises

local inf, nan = math.huge, 0 / 0

local function near(actual, expected, tolerance)
  truth(math.abs(actual - expected) <= (tolerance or 1e-12) * math.max(1, math.abs(expected)),
    string.format("%.17g is not near %.17g", actual, expected))
end

return check.suite({
  floor_and_ceil_answer_integers_where_they_fit = function()
    equal(math.floor(3.7), 3)
    equal(math.floor(-3.7), -4)
    equal(math.floor(5), 5)
    equal(math.floor(1e300), 1e300)
    equal(math.floor(-inf), -inf)
    equal(math.ceil(3.2), 4)
    equal(math.ceil(-3.2), -3)
    equal(math.ceil(-0.5), -0 | 0)
    equal(math.ceil(1e300), 1e300)
    equal(math.floor("3.7"), 3)
    raises("number expected, got nil", math.floor, nil)
    raises("number expected, got no value", math.ceil)
  end,

  fmod_and_modf = function()
    equal(math.fmod(7, 3), 1)
    equal(math.fmod(-7, 3), -1)
    equal(math.fmod(7, -3), 1)
    equal(math.fmod(7.5, 2), 1.5)
    equal(math.fmod(math.mininteger, -1), 0)
    equal(math.fmod(3, inf), 3.0)
    truth(math.fmod(3, 0.0) ~= math.fmod(3, 0.0))
    raises("zero", math.fmod, 3, 0)
    local whole, part = math.modf(3.5)
    truth(whole == 3 and part == 0.5)
    whole, part = math.modf(-3.5)
    truth(whole == -3 and part == -0.5)
    whole, part = math.modf(3)
    truth(whole == 3 and part == 0)
    whole, part = math.modf(inf)
    truth(whole == inf and part == 0)
    local a, b = math.modf(nan)
    truth(a ~= a and b ~= b)
  end,

  max_and_min = function()
    equal(math.max(1), 1)
    equal(math.max(1, 2.5, -3), 2.5)
    equal(math.min(1, 2.5, -3), -3)
    equal(math.max(1, 1.0), 1)
    equal(math.max(-inf, inf), inf)
    equal(math.min(3, 3.0), 3)
    raises("value expected", math.max)
    raises("value expected", math.min)
    raises("number", math.max, 1, "x")
  end,

  elementary_functions = function()
    equal(math.sqrt(16), 4.0)
    equal(math.abs(-5), 5)
    equal(math.abs(-5.5), 5.5)
    equal(math.abs(-0.0), 0.0)
    near(math.sin(math.pi / 2), 1)
    near(math.cos(math.pi), -1)
    near(math.tan(math.pi / 4), 1)
    near(math.asin(1), math.pi / 2)
    near(math.acos(-1), math.pi)
    near(math.atan(1), math.pi / 4)
    near(math.atan(1, -1), 3 * math.pi / 4)
    near(math.atan(-1, -1), -3 * math.pi / 4)
    equal(math.atan(0.0, 1), 0.0)
    near(math.atan(0.0, -1), math.pi)
    near(math.exp(1), 2.718281828459045)
    near(math.log(math.exp(2)), 2)
    equal(math.log(8, 2), 3.0)
    equal(math.log(1000, 10), 3.0)
    near(math.log(27, 3), 3)
    equal(math.log(0), -inf)
    truth(math.log(-1) ~= math.log(-1))
    near(math.deg(math.pi), 180)
    near(math.rad(180), math.pi)
    near(math.pi, 3.141592653589793)
    equal(math.exp(0), 1.0)
    truth(math.sqrt(-1) ~= math.sqrt(-1))
  end,

  unsigned_comparison = function()
    truth(math.ult(1, 2))
    falsehood(math.ult(2, 1))
    truth(math.ult(1, -1))
    falsehood(math.ult(-1, 1))
    truth(math.ult(math.maxinteger, math.mininteger))
    falsehood(math.ult(5, 5))
    truth(math.ult(-2, -1))
    raises("number has no integer representation", math.ult, 1.5, 2)
  end,

  random_stays_in_its_range = function()
    for _ = 1, 200 do
      local x = math.random()
      if not (x >= 0 and x < 1) then error("out of range " .. x) end
      local n = math.random(6)
      if not (n >= 1 and n <= 6 and math.type(n) == "integer") then error("out of range " .. n) end
      local m = math.random(-3, 3)
      if not (m >= -3 and m <= 3) then error("out of range " .. m) end
    end
    truth(true)
    equal(math.random(7, 7), 7)
    equal(math.type(math.random(0)), "integer")
    local full = math.random(math.mininteger, math.maxinteger)
    equal(math.type(full), "integer")
    raises("interval is empty", math.random, 0 - 1)
    raises("interval is empty", math.random, 2, 1)
    raises("wrong number of arguments", math.random, 1, 2, 3)
    raises("number has no integer representation", math.random, 1.5)
  end,

  random_fills_its_range = function()
    local seen, kinds = {}, 0
    for _ = 1, 500 do
      local n = math.random(8)
      if not seen[n] then
        seen[n] = true
        kinds = kinds + 1
      end
    end
    equal(kinds, 8)
    local low, high = 0, 0
    for _ = 1, 2000 do
      if math.random() < 0.5 then low = low + 1 else high = high + 1 end
    end
    truth(low > 800 and high > 800)
  end,

  a_seed_repeats_its_sequence = function()
    math.randomseed(42)
    local first = {}
    for i = 1, 20 do first[i] = math.random(1000000) end
    math.randomseed(42)
    for i = 1, 20 do equal(math.random(1000000), first[i]) end
    math.randomseed(43)
    local different = false
    for i = 1, 20 do
      if math.random(1000000) ~= first[i] then different = true end
    end
    truth(different)
    math.randomseed(7, 9)
    local a = math.random(0)
    math.randomseed(7, 9)
    equal(math.random(0), a)
  end,
})

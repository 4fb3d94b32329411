local check = require("check")
local equal, raises = check.equal, check.raises

return check.suite({
  operators_on_integers = function()
    equal(0xF0 & 0x3C, 0x30)
    equal(0xF0 | 0x0F, 0xFF)
    equal(0xF0 ~ 0xFF, 0x0F)
    equal(~0, -1)
    equal(~~5, 5)
    equal(-1 & 0xFF, 0xFF)
    equal(-1 >> 1, math.maxinteger)
    equal(-1 >> 63, 1)
    equal(1 << 62, 0x4000000000000000)
    equal(1 << 63, math.mininteger)
    equal(0xAAAAAAAAAAAAAAAA | 0x5555555555555555, -1)
    equal(0xAAAAAAAAAAAAAAAA & 0x5555555555555555, 0)
    equal(0xAAAAAAAAAAAAAAAA ~ -1, 0x5555555555555555)
  end,

  shifts_beyond_the_width_are_zero = function()
    equal(1 << 64, 0)
    equal(1 << 1000, 0)
    equal(-1 >> 64, 0)
    equal(-1 << 64, 0)
    equal(1 << -1, 0)
    equal(2 << -1, 1)
    equal(2 >> -1, 4)
    equal(-1 >> -64, 0)
    equal(1 << math.mininteger, 0)
    equal(1 >> math.mininteger, 0)
    equal(1 << math.maxinteger, 0)
    equal(5 << 0, 5)
    equal(5 >> 0, 5)
    equal(-5 << 0, -5)
  end,

  operands_are_converted = function()
    equal(3.0 & 1, 1)
    equal(2.0 ^ 53 | 0, 1 << 53)
    equal(1.0 << 4, 16)
    raises("attempt to perform bitwise operation on a string value", function() return "7" & 3 end)
    raises("attempt to perform bitwise operation on a string value", function() return ~"0" end)
    raises("number has no integer representation", function() return 1.5 & 1 end)
    raises("number has no integer representation", function() return 1 & 1e100 end)
    raises("number has no integer representation", function() return 1 << (0 / 0) end)
    raises("attempt to perform bitwise operation on a string value", function() return "a" | 1 end)
    raises("attempt to perform bitwise operation on a table value", function() return {} & 1 end)
    raises("attempt to perform bitwise operation on a nil value", function() return ~nil end)
  end,

  precedence = function()
    equal(1 | 2 & 3, 1 | (2 & 3))
    equal(1 ~ 2 | 4, (1 ~ 2) | 4)
    equal(1 << #(2 .. "x"), 4)
    equal(6 & 3 << 1, 6 & (3 << 1))
    equal(5 & 6 == 4, (5 & 6) == 4)
    equal(~1 & 3, (~1) & 3)
    equal(2 + 1 << 1, 6)
    equal(1 << 3 - 1, 4)
  end,

  folding_and_run_time_agree = function()
    local values = { 0, 1, -1, 5, 0x7FFFFFFFFFFFFFFF, math.mininteger, 0xFF00FF00 }
    for _, a in ipairs(values) do
      for _, b in ipairs(values) do
        local source = "return X & X, X | X, X ~ X, X << X, X >> X"
        local folded = { load((source:gsub("X (%p+) X", string.format("(%d|0) %%1 (%d|0)", a, b))))() }
        equal(folded[1], a & b)
        equal(folded[2], a | b)
        equal(folded[3], a ~ b)
        equal(folded[4], a << b)
        equal(folded[5], a >> b)
      end
    end
  end,

  identities_hold_for_many_values = function()
    local x = 0x9E3779B97F4A7C15
    for _ = 1, 100 do
      x = x ~ (x << 13)
      x = x ~ (x >> 7)
      x = x ~ (x << 17)
      equal((x & 0xFFFFFFFF) | (x >> 32 << 32), x)
      equal(x ~ x, 0)
      equal(~x, -x - 1)
      equal(x & ~x, 0)
      equal(x | ~x, -1)
    end
  end,
})

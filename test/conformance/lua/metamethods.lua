local check = require("check")
local equal, raises, truth, falsehood, results = check.equal, check.raises, check.truth, check.falsehood, check.results

return check.suite({
  arithmetic_events = function()
    local log
    local mt = {}
    for _, event in ipairs({ "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor", "shl", "shr", "bnot", "concat" }) do
      mt["__" .. event] = function(a, b)
        log = event
        return event
      end
    end
    local o = setmetatable({}, mt)
    local uses = {
      add = function() return o + 1, 1 + o, o + o, o + 1.5 end,
      sub = function() return o - 1, 1 - o, o - o, o - "x" end,
      mul = function() return o * 1, 1 * o, o * o, o * nil end,
      div = function() return o / 1, 1 / o, o / o, true / o end,
      mod = function() return o % 1, 1 % o, o % o, o % 2.5 end,
      pow = function() return o ^ 1, 1 ^ o, o ^ o, o ^ 2 end,
      idiv = function() return o // 1, 1 // o, o // o, o // 0 end,
      band = function() return o & 1, 1 & o, o & o, o & 1.5 end,
      bor = function() return o | 1, 1 | o, o | o, o | "x" end,
      bxor = function() return o ~ 1, 1 ~ o, o ~ o, o ~ nil end,
      shl = function() return o << 1, 1 << o, o << o, o << 3 end,
      shr = function() return o >> 1, 1 >> o, o >> o, o >> 3 end,
      unm = function() return -o, -o, -o, -o end,
      bnot = function() return ~o, ~o, ~o, ~o end,
      concat = function() return o .. 1, 1 .. o, o .. o, "x" .. o end,
    }
    for event, use in pairs(uses) do
      log = nil
      results({ event, event, event, event }, use())
      equal(log, event)
    end
  end,

  operands_keep_their_order = function()
    local mt = { __sub = function(a, b) return a, b end, __concat = function(a, b) return (type(a) == "table" and "T" or a) .. "|" .. (type(b) == "table" and "T" or b) end }
    local o = setmetatable({}, mt)
    equal(5 - o, 5)
    equal(o - 5, o)
    equal("a" .. o, "a|T")
    equal(o .. "a", "T|a")
    equal("a" .. "b" .. o, "a" .. ("b" .. o))
    local left = setmetatable({}, { __add = function() return "left" end })
    local right = setmetatable({}, { __add = function() return "right" end })
    equal(left + right, "left")
    equal(right + left, "right")
    equal((left + 1) .. "", "left")
  end,

  comparison_events = function()
    local mt = {
      __lt = function(a, b) return a.v < b.v end,
      __le = function(a, b) return a.v <= b.v end,
      __eq = function(a, b) return a.v == b.v end,
    }
    local function new(v) return setmetatable({ v = v }, mt) end
    truth(new(1) < new(2))
    falsehood(new(2) < new(1))
    truth(new(1) <= new(1))
    truth(new(2) > new(1))
    truth(new(2) >= new(2))
    truth(new(1) == new(1))
    truth(new(1) ~= new(2))
    local same = new(1)
    truth(same == same)
    falsehood(new(1) == 1)
    local odd = setmetatable({}, { __eq = function() return "truthy" end, __lt = function() return nil end })
    equal(odd == setmetatable({}, {}), true)
    equal(odd < odd, false)
    raises("attempt to compare", function() return setmetatable({}, {}) < nil end)
  end,

  index_chains = function()
    local base = { color = "red", greet = function(self) return "hi " .. self.name end }
    local middle = setmetatable({ size = 2 }, { __index = base })
    local object = setmetatable({ name = "o" }, { __index = middle })
    equal(object.color, "red")
    equal(object.size, 2)
    equal(object:greet(), "hi o")
    equal(object.nothing, nil)
    local computed = setmetatable({}, { __index = function(_, k) return k .. "!" end })
    equal(computed.x, "x!")
    equal(computed[1], "1!")
    local loop = setmetatable({}, {})
    getmetatable(loop).__index = loop
    raises("'__index' chain too long", function() return loop.x end)
    getmetatable(loop).__newindex = loop
    raises("'__newindex' chain too long", function() loop.x = 1 end)
    local deep = {}
    for _ = 1, 100 do deep = setmetatable({}, { __index = deep }) end
    equal(deep.x, nil)
  end,

  newindex_decides = function()
    local store, log = {}, {}
    local t = setmetatable({}, { __newindex = function(_, k, v) log[#log + 1] = k; rawset(store, k, v) end })
    t.a = 1
    t.a = 2
    equal(table.concat(log), "aa")
    equal(store.a, 2)
    equal(rawget(t, "a"), nil)
    local direct = setmetatable({ a = 0 }, { __newindex = function() error("not for existing keys") end })
    direct.a = 1
    equal(direct.a, 1)
    local through = setmetatable({}, { __newindex = store })
    through.b = 3
    equal(store.b, 3)
    equal(rawget(through, "b"), nil)
    local readonly = setmetatable({}, { __newindex = function(_, k) error("readonly " .. k, 2) end })
    raises("readonly x", function() readonly.x = 1 end)
  end,

  len_call_tostring_name = function()
    local o = setmetatable({}, { __len = function() return 3 end, __call = function(self, a) return self, a end, __tostring = function() return "O" end })
    equal(#o, 3)
    local self, a = o(5)
    equal(self, o)
    equal(a, 5)
    equal(tostring(o), "O")
    equal(("%s"):format(o), "O")
    raises("attempt to call a table value", setmetatable({}, {}))
    raises("attempt to call a table value", setmetatable({}, { __call = {} }))
    raises("attempt to index a boolean value", function() return (true).x end)
  end,

  metatable_protection = function()
    local locked = setmetatable({}, { __metatable = "locked" })
    equal(getmetatable(locked), "locked")
    raises("cannot change a protected metatable", setmetatable, locked, {})
    raises("nil or table expected", setmetatable, {}, 1)
    raises("table expected, got number", setmetatable, 1, {})
    local t = setmetatable({}, {})
    equal(getmetatable(setmetatable(t, nil)), nil)
    equal(getmetatable({}), nil)
    equal(getmetatable(1), nil)
    equal(getmetatable(print), nil)
  end,

  classes_with_inheritance = function()
    local Animal = {}
    Animal.__index = Animal
    function Animal.new(name) return setmetatable({ name = name }, Animal) end
    function Animal:speak() return self.name .. " makes " .. self:sound() end
    function Animal:sound() return "noise" end
    local Dog = setmetatable({}, { __index = Animal })
    Dog.__index = Dog
    function Dog.new(name) return setmetatable(Animal.new(name), Dog) end
    function Dog:sound() return "woof" end
    equal(Dog.new("Rex"):speak(), "Rex makes woof")
    equal(Animal.new("Cat"):speak(), "Cat makes noise")
    equal(getmetatable(Dog.new("x")), Dog)
  end,

  errors_inside_metamethods_are_catchable = function()
    local o = setmetatable({}, { __add = function() error({ code = 1 }) end, __index = function(_, k) error("no " .. k) end })
    local ok, e = pcall(function() return o + 1 end)
    equal(ok, false)
    equal(e.code, 1)
    raises("no thing", function() return o.thing end)
    local inner = setmetatable({}, { __lt = function() error("lt") end, __concat = function() error("cat") end, __len = function() error("len") end })
    raises("lt", function() return inner < inner end)
    raises("cat", function() return inner .. "x" end)
    raises("len", function() return #inner end)
  end,

  yields_inside_metamethods = function()
    local mt = {
      __add = function(a, b) return coroutine.yield("add") end,
      __index = function(_, k) return coroutine.yield("index " .. k) end,
      __newindex = function(_, k, v) coroutine.yield("newindex " .. k .. v) end,
      __eq = function() return coroutine.yield("eq") end,
      __lt = function() return coroutine.yield("lt") end,
      __le = function() return coroutine.yield("le") end,
      __concat = function() return coroutine.yield("concat") end,
      __call = function(_, x) return coroutine.yield("call " .. x) end,
      __len = function() return coroutine.yield("len") end,
      __unm = function() return coroutine.yield("unm") end,
      __close = function() coroutine.yield("close") end,
    }
    local function new() return setmetatable({}, mt) end
    local a, b = new(), new()
    local co = coroutine.wrap(function()
      local out = {}
      out[1] = a + 1
      out[2] = a.key
      a.key = 5
      out[3] = a == b
      out[4] = a < b
      out[5] = not (a <= b)
      out[6] = "x" .. a .. "y"
      out[7] = a(9)
      out[8] = #a
      out[9] = -a
      do local c <close> = new() end
      return out
    end)
    equal(co(), "add")
    equal(co(1), "index key")
    equal(co(2), "newindex key5")
    equal(co(), "eq")
    equal(co(3), "lt")
    equal(co(nil), "le")
    equal(co(true), "concat")
    equal(co("tail"), "call 9")
    equal(co("called"), "len")
    equal(co(8), "unm")
    equal(co(9), "close")
    local out = co()
    equal(out[1], 1)
    equal(out[2], 2)
    equal(out[3], true)
    equal(out[4], false)
    equal(out[5], false)
    equal(out[6], "xtail")
    equal(out[7], "called")
    equal(out[8], 8)
    equal(out[9], 9)
  end,
})

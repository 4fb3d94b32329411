local check = require("check")
local equal, raises, truth, results = check.equal, check.raises, check.truth, check.results

return check.suite({
  strings_and_functions_are_sources = function()
    equal(load("return 1 + 1")(), 2)
    local pieces, i = { "return ", "4", "0 + ", "2" }, 0
    local f = load(function()
      i = i + 1
      return pieces[i]
    end)
    equal(f(), 42)
    i = 0
    pieces = { "return 5", "", "garbage ((" }
    equal(load(function() i = i + 1 return pieces[i] end)(), 5)
    results({ n = 0 }, load("")())
    equal(load(function() return nil end)(), nil)
    local chunk, message = load(function() error("reader failed", 0) end)
    equal(chunk, nil)
    equal(message, "reader failed")
    chunk, message = load(function() return 1 == 1 end)
    equal(chunk, nil)
    truth(message:find("reader function must return a string", 1, true))
    local byte, at = "local x = 'one byte at a time' return #x", 0
    equal(load(function() at = at + 1 return byte:sub(at, at) end)(), 18)
  end,

  chunk_names = function()
    local _, m1 = load("x x", "=name")
    truth(m1:find("^name:1:"))
    local _, m2 = load("x x", "@file.lua")
    truth(m2:find("^file.lua:1:"))
    local _, m3 = load("x x\n")
    truth(m3:find('^%[string "x x..."%]:1:'))
    local _, m4 = load("\n\n\nx x", "=name")
    truth(m4:find("^name:4:"))
  end,

  environments_are_separate = function()
    local env = { y = 5 }
    local f = load("x = y * 2; return x", "=c", "t", env)
    equal(f(), 10)
    equal(env.x, 10)
    equal(x, nil)
    local g = load("return print, x", "=c", "t", {})
    results({ n = 2 }, g())
    local inherited = load("leak = tostring(1) return leak", "=c", "t", setmetatable({}, { __index = _G }))
    equal(inherited(), "1")
    equal(rawget(_G, "leak"), nil)
    raises("attempt to index a nil value", load("return a.b", "=c", "t", {}))
    raises("attempt to index a number value", load("return a", "=c", "t", 5))
    raises("attempt to index a nil value (upvalue '_ENV')", load("return a", "=c", "t", nil))
  end,

  env_is_an_ordinary_variable = function()
    local function sandboxed()
      local _ENV = { value = 7 }
      other = value + 1
      return other
    end
    equal(sandboxed(), 8)
    equal(rawget(_G, "other"), nil)
    local function with(_ENV) return a + b end
    equal(with({ a = 1, b = 2 }), 3)
    do
      local _ENV <const> = { z = 3 }
      check.equal(z, 3)
    end
    local log = {}
    local env = setmetatable({}, {
      __index = function(_, k) log[#log + 1] = "get " .. k end,
      __newindex = function(_, k) log[#log + 1] = "set " .. k end,
    })
    load("a = b", "=c", "t", env)()
    equal(table.concat(log, ","), "get b,set a")
    raises("attempt to index a nil value (local '_ENV')", function() local _ENV = nil; return foo end)
  end,

  globals_are_fields = function()
    conformance_global = 1
    equal(_G.conformance_global, 1)
    _G.conformance_global = nil
    equal(conformance_global, nil)
    equal(_G._G, _G)
    equal(_VERSION, "Lua 5.4")
    local keys = 0
    for _ in pairs(_G) do keys = keys + 1 end
    truth(keys > 15)
  end,

  only_text_is_accepted = function()
    local chunk, message = load("\27Lua")
    equal(chunk, nil)
    truth(type(message) == "string")
    equal(load("return 1", "=c", "t")(), 1)
    chunk = load("return 1", "=c", "b")
    equal(chunk, nil)
    equal(string.dump, nil)
  end,

  loaded_functions_keep_their_upvalues_apart = function()
    local source = "local n = 0 return function() n = n + 1 return n end"
    local a, b = load(source)(), load(source)()
    a()
    a()
    equal(a(), 3)
    equal(b(), 1)
  end,

  deep_and_large_sources = function()
    local parts = {}
    for i = 1, 5000 do parts[i] = "local _ = " .. i .. " do end" end
    local chunk, message = load("do " .. table.concat(parts, " end do ") .. " end return 'end'")
    equal(message, nil)
    equal(chunk(), "end")
    local _, deep = load(("do "):rep(250) .. ("end "):rep(250))
    truth(deep:find("overflow", 1, true))
    local _, unary = load("return " .. ("- "):rep(300) .. "1")
    truth(unary:find("overflow", 1, true))
    local _, calls = load(("a("):rep(300))
    truth(calls ~= nil)
    local concat = load("return " .. ("'a' .. "):rep(150) .. "'b'")
    equal(#concat(), 151)
    local long = load("return '" .. ("x"):rep(200000) .. "'")
    equal(#long(), 200000)
    local elseifs = "if false then return 0 " .. ("elseif false then return 1 "):rep(500) .. "else return 'last' end"
    equal(load(elseifs)(), "last")
  end,
})

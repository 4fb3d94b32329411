local check = require("check")
local equal, truth, raises = check.equal, check.truth, check.raises

local function overflow_of(f)
  local ok, message = pcall(f)
  equal(ok, false)
  truth(type(message) == "string" and message:find("overflow", 1, true), tostring(message))
  return message
end

return check.suite({
  lua_recursion = function()
    local depth = 0
    local function deep() depth = depth + 1 return deep() + 1 end
    overflow_of(deep)
    truth(depth > 10000)
    local again = 0
    local function deep2() again = again + 1 return deep2() + 1 end
    overflow_of(deep2)
    truth(math.abs(again - depth) < 1000)
  end,

  recursion_through_metamethods = function()
    local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })
    overflow_of(function() return t[1] end)
    local c = setmetatable({}, { __concat = function(a, b) return a .. b end })
    overflow_of(function() return c .. c end)
    local e = setmetatable({}, {})
    getmetatable(e).__eq = function(a) return a == setmetatable({}, getmetatable(e)) end
    overflow_of(function() return e == setmetatable({}, getmetatable(e)) end)
  end,

  recursion_through_tostring = function()
    local t = setmetatable({}, { __tostring = function(s) return tostring(s) end })
    overflow_of(function() return tostring(t) end)
  end,

  recursion_through_gsub = function()
    local function again(s) return (s:gsub(".", again)) end
    overflow_of(function() return again("a") end)
  end,

  recursion_through_sort = function()
    local function again() table.sort({ 1, 2, 3 }, again) return true end
    overflow_of(function() again() end)
  end,

  recursion_through_pcall_is_bounded = function()
    local depth = 0
    local function again()
      depth = depth + 1
      local ok, m = pcall(again)
      if not ok then error(m, 0) end
    end
    pcall(again)
    truth(depth > 50)
    local function quiet() return pcall(quiet) end
    truth(type(quiet()) == "boolean")
  end,

  recursion_through_coroutines = function()
    local depth = 0
    local function again()
      depth = depth + 1
      return coroutine.wrap(again)()
    end
    overflow_of(again)
    truth(depth > 50 and depth < 1000)
    depth = 0
    local function resume()
      depth = depth + 1
      local ok, m = coroutine.resume(coroutine.create(resume))
      if not ok then error(m, 0) end
    end
    overflow_of(resume)
    truth(depth < 1000)
  end,

  recursion_through_load = function()
    local source = "return (...)(...)"
    local function again() return load(source)(again) + 1 end
    overflow_of(again)
    local nested = "x"
    for _ = 1, 300 do nested = "(" .. nested .. ")" end
    local chunk, message = load("return " .. nested)
    equal(chunk, nil)
    truth(message:find("overflow", 1, true))
  end,

  patterns_have_a_depth = function()
    raises("pattern too complex", string.find, ("a"):rep(500), ("a?"):rep(500) .. "b")
    equal(#("a"):rep(50000):match(".-b?$"), 50000)
    raises("too complex", string.match, ("x"):rep(1000), ("x?"):rep(1000) .. "y")
  end,

  close_handlers_in_depth = function()
    local depth = 0
    local function nest()
      local c <close> = setmetatable({}, { __close = function() depth = depth + 1 end })
      return nest() + 1
    end
    local ok = pcall(nest)
    equal(ok, false)
    truth(depth > 100)
  end,

  the_machine_works_after_each_overflow = function()
    local function deep() return deep() + 1 end
    for _ = 1, 5 do
      equal(pcall(deep), false)
      equal(#("x"):rep(10), 10)
      equal(select("#", table.unpack({ 1, 2, 3 })), 3)
      equal(coroutine.wrap(function() return "fine" end)(), "fine")
    end
  end,
})

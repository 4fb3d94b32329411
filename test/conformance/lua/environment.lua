local check = require("check")
local equal, truth, falsehood, raises = check.equal, check.truth, check.falsehood, check.raises

return check.suite({
  dangerous_names_are_absent = function()
    for _, name in ipairs({ "io", "package", "dofile", "loadfile", "rawfile", "jit", "ffi", "newproxy", "module" }) do
      equal(rawget(_G, name), nil, name)
    end
    equal(string.dump, nil)
    for _, name in ipairs({ "execute", "exit", "getenv", "remove", "rename", "setlocale", "tmpname" }) do
      equal(os[name], nil, "os." .. name)
    end
    local debug_names = {}
    for name in pairs(debug or {}) do debug_names[#debug_names + 1] = name end
    equal(table.concat(debug_names, ","), "traceback")
  end,

  older_habits_work = function()
    equal(unpack, table.unpack)
    equal(select("#", unpack({ 1, 2, 3 })), 3)
    equal(loadstring("return 7")(), 7)
    equal(table.getn({ 1, 2, 3 }), 3)
    equal(math.pow(2, 10), 1024.0)
    local chunk = loadstring("\27Lua")
    equal(chunk, nil)
  end,

  collectgarbage_only_counts = function()
    equal(type(collectgarbage("count")), "number")
    truth(collectgarbage("count") > 0)
  end,

  time_functions = function()
    truth(os.time() > 1700000000)
    equal(os.time({ year = 2000, month = 1, day = 1, hour = 0 }), 946684800)
    equal(os.date("!%Y-%m-%dT%H:%M:%S", 946684800), "2000-01-01T00:00:00")
    equal(os.date("%Y-%m-%d %H:%M:%S", 946684800), "2000-01-01 00:00:00")
    equal(os.date("!*t", 0).year, 1970)
    equal(os.difftime(10, 4), 6.0)
    truth(os.clock() >= 0)
    raises("invalid conversion specifier", os.date, "%Ez", 0)
    raises("invalid conversion specifier", os.date, "%", 0)
    raises("missing in date table", os.time, { year = 2000 })
    equal(os.time({ year = 2000, month = 13, day = 1, hour = 12 }), os.time({ year = 2001, month = 1, day = 1, hour = 12 }))
  end,

  addresses_are_hidden = function()
    local values = { {}, function() end, coroutine.create(function() end), print }
    for _, value in ipairs(values) do
      for _, text in ipairs({ tostring(value), ("%s"):format(value), ("%p"):format(value) }) do
        falsehood(text:find("0x[1-9a-f]%x%x%x"), text)
      end
    end
    truth(tostring({}):find("^table"))
  end,

  the_string_metatable_is_locked = function()
    local mt = getmetatable("")
    truth(type(mt) ~= "table")
    raises("", setmetatable, "", {})
    equal(("x"):upper(), "X")
  end,

  finalisers_are_refused = function()
    raises("__gc", setmetatable, {}, { __gc = function() end })
    local mt = {}
    local t = setmetatable({}, mt)
    mt.__gc = function() error("never") end
    equal(getmetatable(t), mt)
  end,

  require_knows_the_own_modules_only = function()
    equal(require("check"), check)
    equal(pcall(require, "io"), false)
    equal(pcall(require, "nothing"), false)
    equal(pcall(require, "../check"), false)
    equal(pcall(require, "string\0"), false)
    equal(pcall(require), false)
  end,

  print_answers_nothing = function()
    equal(select("#", print("a line", 1, nil, {})), 0)
  end,

  traceback_is_filtered_text = function()
    local text = debug.traceback("message")
    equal(text:sub(1, 7), "message")
    truth(text:find("stack traceback", 1, true))
    falsehood(text:find("wasm", 1, true))
    falsehood(text:find(".ts", 1, true))
    equal(debug.traceback(nil) == nil or type(debug.traceback(nil)) == "string", true)
    local odd = {}
    equal(debug.traceback(odd), odd)
  end,

  traceback_of_a_coroutine_shows_where_it_stands = function()
    local function inner() coroutine.yield() end
    local co = coroutine.create(function() inner() end)
    coroutine.resume(co)
    local text = debug.traceback(co, "message")
    equal(text:sub(1, 7), "message")
    truth(text:find("inner", 1, true))
    falsehood(text:find("traceback_of_a_coroutine", 1, true))
    equal(type(debug.traceback(co)), "string")
    equal(type(debug.traceback(coroutine.create(print), nil, 3)), "string")
    equal(type(debug.traceback((coroutine.running()))), "string")
  end,
})

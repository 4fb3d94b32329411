local check = require("check")
local equal, truth, falsehood, raises, results = check.equal, check.truth, check.falsehood, check.raises, check.results

return check.suite({
  lengths_and_bytes = function()
    equal(#"", 0)
    equal(#"\0\0\0", 3)
    equal(("x"):rep(1000):len(), 1000)
    results({ n = 0 }, (""):byte())
    equal(("a"):byte(), 97)
    results({ 98, 99 }, ("abc"):byte(2, 3))
    results({ 97, 98, 99 }, ("abc"):byte(-100, 100))
    results({ n = 0 }, ("abc"):byte(10))
    results({ 255, 0 }, ("\xff\0"):byte(1, -1))
    equal(string.char(), "")
    equal(string.char(0, 255, 65), "\0\xffA")
    raises("value out of range", string.char, 256)
    raises("value out of range", string.char, -1)
  end,

  sub_takes_any_range = function()
    local s = "hello"
    equal(s:sub(2, 4), "ell")
    equal(s:sub(-3), "llo")
    equal(s:sub(-3, -2), "ll")
    equal(s:sub(0), "hello")
    equal(s:sub(6), "")
    equal(s:sub(4, 2), "")
    equal(s:sub(-100, 2), "he")
    equal(s:sub(3, 100), "llo")
    equal(s:sub(math.mininteger, math.maxinteger), "hello")
    equal(s:sub(math.maxinteger), "")
    equal(s:sub(1.0, 2.0), "he")
    equal(("\0a\0"):sub(2, 3), "a\0")
    raises("number has no integer representation", s.sub, s, 1.5)
  end,

  rep_and_reverse_and_case = function()
    equal(("ab"):rep(3), "ababab")
    equal(("ab"):rep(3, ","), "ab,ab,ab")
    equal(("ab"):rep(1, ","), "ab")
    equal(("ab"):rep(0), "")
    equal(("ab"):rep(-5), "")
    equal((""):rep(1000), "")
    equal(("x"):rep(0, "y"), "")
    raises("resulting string too large", string.rep, "xx", math.maxinteger)
    raises("resulting string too large", string.rep, "x", math.maxinteger // 2, "y")
    equal(("abc"):reverse(), "cba")
    equal((""):reverse(), "")
    equal(("a\0b"):reverse(), "b\0a")
    equal(("MiXed \0 1"):lower(), "mixed \0 1")
    equal(("MiXed \0 1"):upper(), "MIXED \0 1")
    equal(("\xc3\xa4"):upper(), "\xc3\xa4")
  end,

  plain_find = function()
    results({ 3, 4 }, ("hello"):find("ll", 1, true))
    results({ 1, 0 }, ("hello"):find("", 1, true))
    results({ 6, 5 }, ("hello"):find("", 6, true))
    results({ nil, n = 1 }, ("hello"):find("", 7, true))
    results({ nil, n = 1 }, ("hello"):find("L", 1, true))
    results({ 2, 2 }, ("a.b"):find(".", 2, true))
    results({ 2, 2 }, ("a\0b"):find("\0", 1, true))
    results({ 4, 5 }, ("abcab"):find("ab", 2, true))
    results({ 4, 5 }, ("abcab"):find("ab", -2, true))
    results({ 1, 2 }, ("abcab"):find("ab", -200, true))
    results({ 2, 4 }, ("a%d+"):find("%d+", 1, true))
  end,

  concatenation = function()
    equal("a" .. "b" .. "c", "abc")
    equal(1 .. 2, "12")
    equal(1.5 .. "", "1.5")
    equal("" .. -0.0, "-0.0")
    equal("\0" .. "\0", "\0\0")
    local parts = {}
    for i = 1, 500 do parts[i] = "s" .. i end
    equal(#table.concat(parts), 1892)
    local s = ""
    for i = 1, 300 do s = s .. i end
    equal(#s, 792)
    raises("attempt to concatenate a boolean value", function() return "a" .. true end)
    raises("attempt to concatenate a nil value", function() return nil .. "a" end)
  end,

  tostring_of_everything = function()
    equal(tostring(nil), "nil")
    equal(tostring(true), "true")
    equal(tostring("s"), "s")
    truth(tostring({}):find("^table"))
    truth(tostring(print):find("^function"))
    truth(tostring(coroutine.create(print)):find("^thread"))
    equal(tostring(setmetatable({}, { __tostring = function() return "mine" end })), "mine")
    truth(tostring(setmetatable({}, { __name = "Kind" })):find("^Kind"))
    raises("'__tostring' must return a string", tostring, setmetatable({}, { __tostring = function() return {} end }))
    raises("value expected", tostring)
  end,

  strings_are_compared_by_bytes = function()
    truth("a" < "aa")
    truth("a\0" < "a\0\0")
    truth("Z" < "a")
    truth("\0" > "")
    truth("\127" < "\128" or "\127" > "\128")
    falsehood("a" == "A")
    truth("a\0b" == "a\0b")
    falsehood("a\0b" == "a\0c")
    truth(("x"):rep(100) == ("x"):rep(100))
    equal(({ [("k"):rep(50)] = 1 })[("k"):rep(50)], 1)
  end,

  methods_through_the_string_metatable = function()
    equal(("%d"):format(3), "3")
    equal(("x").rep("y", 2), "yy")
    equal(#("abc"):upper(), 3)
    raises("attempt to index a number value", function() local n = 3; return n.x end)
    equal(("abc").missing, nil)
    raises("attempt to call a nil value (method 'missing')", function() return ("abc"):missing() end)
    equal("10" + 1, 11)
    equal("3" * "4", 12)
    equal(-"2", -2)
    equal("2" ^ 2, 4.0)
    equal("7" // 2, 3)
    equal("7" % "4", 3)
  end,

  gmatch_iterates_lazily = function()
    local words = {}
    for w in ("one two  three"):gmatch("%a+") do words[#words + 1] = w end
    equal(table.concat(words, "|"), "one|two|three")
    local pairs_found = {}
    for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do pairs_found[#pairs_found + 1] = k .. v end
    equal(table.concat(pairs_found, "|"), "a1|b2")
    local positions = {}
    for p in ("abc"):gmatch("()") do positions[#positions + 1] = p end
    equal(table.concat(positions, ","), "1,2,3,4")
    local from = {}
    for w in ("one two three"):gmatch("%a+", 5) do from[#from + 1] = w end
    equal(table.concat(from, "|"), "two|three")
    local anchored = 0
    for _ in ("aaa"):gmatch("^a") do anchored = anchored + 1 end
    equal(anchored, 0)
    local step = ("ab"):gmatch(".")
    equal(step(), "a")
    equal(step(), "b")
    equal(step(), nil)
  end,
})

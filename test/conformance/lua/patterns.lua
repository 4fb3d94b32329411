local check = require("check")
local equal, raises, results, truth = check.equal, check.raises, check.results, check.truth

return check.suite({
  single_character_classes = function()
    local classes = { a = "%a", d = "%d", l = "%l", s = "%s", u = "%u", w = "%w", x = "%x", p = "%p", c = "%c", g = "%g" }
    local expected = {
      a = 52, d = 10, l = 26, s = 6, u = 26, w = 62, x = 22, p = 32, c = 33, g = 94,
    }
    for name, class in pairs(classes) do
      local hits, inverse = 0, 0
      for byte = 0, 127 do
        local char = string.char(byte)
        if char:find(class) then hits = hits + 1 end
        if char:find(class:upper()) then inverse = inverse + 1 end
      end
      equal(hits, expected[name], class)
      equal(inverse, 128 - expected[name], class:upper())
    end
    equal(("\0"):find("%z"), 1)
    equal(("a\0"):match("."), "a")
    equal(#("\0\0"):match(".*"), 2)
  end,

  sets = function()
    equal(("hello"):match("[aeiou]+"), "e")
    equal(("hello"):match("[^aeiou]+"), "h")
    equal(("x-y"):match("[a%-]+"), "-")
    equal(("a]b"):match("[]]"), "]")
    equal(("a]b"):match("[^]]+"), "a")
    equal(("a^b"):match("[b^]+"), "^b")
    equal(("0xFF"):match("[%x]+$"), "FF")
    equal(("a-z"):match("[a-]+"), "a-")
    equal(("q1"):match("[a-z0-9]+"), "q1")
    equal(("\xff\xfe"):match("[\xf0-\xff]+"), "\xff\xfe")
    equal(("a\0b"):match("[\0]"), "\0")
    equal(("%"):match("[%%]"), "%")
    equal(("a."):match("[.]"), ".")
    raises("missing ']'", string.find, "a", "[a")
    raises("missing ']'", string.find, "a", "[]")
    raises("missing ']'", string.find, "a", "[^]")
    raises("ends with '%'", string.find, "a", "%")
    raises("missing ']'", string.find, "a", "[a%")
  end,

  repetitions = function()
    equal(("aaa"):match("a*"), "aaa")
    equal(("baaa"):match("a*"), "")
    equal(("aaa"):match("a+"), "aaa")
    equal(("aaa"):match("a-"), "")
    equal(("aaa"):match("a-$"), "aaa")
    equal(("ab"):match("ax?b"), "ab")
    equal(("<<x>>"):match("<.->"), "<<x>")
    equal(("<a><b>"):match("<(.-)>"), "a")
    equal(("<a><b>"):match("<(.*)>"), "a><b")
    equal(("aaab"):match("^a-b"), "aaab")
    equal(("*"):match("*"), "*")
    equal(("+a"):match("^+"), "+")
    equal(("  trim me  "):match("^%s*(.-)%s*$"), "trim me")
    equal(("0001230"):match("^0*(%d-)0*$"), "123")
  end,

  anchors = function()
    equal(("abc"):find("^b"), nil)
    equal(("abc"):find("c$"), 3)
    equal(("a$b"):find("a$b"), 1)
    equal(("a^b"):find("a^b"), 1)
    equal((""):find("^$"), 1)
    results({ 4, 3 }, ("abc"):find("$"))
    equal(("abc"):find("^b", 2), 2)
    equal(("abc"):match("^(b)", 2), "b")
  end,

  captures = function()
    results({ "k", "v" }, ("k = v"):match("(%w+)%s*=%s*(%w+)"))
    results({ "ab", "a", "b" }, ("ab"):match("((a)(b))"))
    results({ 1, 3 }, ("ab"):match("()ab()"))
    results({ 1, 2, "ab" }, ("ab"):find("(..)"))
    results({ "", 1 }, ("abc"):match("(x*)()"))
    equal(("abab"):match("(ab)%1"), "ab")
    equal(("abac"):match("(ab)%1"), nil)
    equal(('say "hi" \'x\''):match("([\"'])(.-)%1"), '"')
    equal(("\0a\0"):match("(%z)a%1"), "\0")
    raises("invalid capture index", string.find, "a", "%1")
    raises("invalid capture index", string.find, "aa", "(a)%2")
    raises("unfinished capture", string.find, "a", "(a")
    raises("invalid pattern capture", string.find, "a", "a+)")
    raises("too many captures", string.find, ("a"):rep(40), ("(a)"):rep(33))
    results(table.pack((("a"):rep(32)):byte(1, -1)), (function(...)
      local bytes = {}
      for i, c in ipairs({ ... }) do bytes[i] = c:byte() end
      return table.unpack(bytes)
    end)(("a"):rep(32):match(("(a)"):rep(32))))
  end,

  balanced_and_frontier = function()
    equal(("f(a(b)c)d"):match("%b()"), "(a(b)c)")
    equal(("((x)"):match("%b()"), "(x)")
    equal(("xx"):match("%bxx"), "xx")
    equal(("(("):match("%b()"), nil)
    raises("missing arguments to '%b'", string.find, "a", "%b")
    raises("missing arguments to '%b'", string.find, "a", "%b(")
    equal(("THE (quick) fox"):find("%f[%a]%a+%f[%A]"), 1)
    equal(("hello world"):gsub("%f[%w]%w+", string.upper), "HELLO WORLD")
    equal(("aba"):gsub("%f[a]", "|"), "|ab|a")
    equal(("a"):find("%f[%z]"), 2)
    raises("missing '[' after '%f'", string.find, "a", "%fa")
  end,

  gsub_replacements = function()
    results({ "hexxo", 2 }, ("hello"):gsub("l", "x"))
    results({ "hexlo", 1 }, ("hello"):gsub("l", "x", 1))
    results({ "hello", 0 }, ("hello"):gsub("l", "x", 0))
    results({ "-h-e-l-l-o-", 6 }, ("hello"):gsub("", "-"))
    equal((("abc"):gsub("%w", "%0%0")), "aabbcc")
    equal((("k=v"):gsub("(%w)=(%w)", "%2=%1")), "v=k")
    equal((("a b"):gsub("%w", "%%")), "% %")
    equal((("$x $y"):gsub("%$(%w)", { x = "1" })), "1 $y")
    equal((("abc"):gsub("%w", function(c) if c == "b" then return false end return c:upper() end)), "AbC")
    equal((("abc"):gsub("%w", function() end)), "abc")
    equal((("abc"):gsub("b", { b = 7 })), "a7c")
    equal((("abc"):gsub("(b)()", function(c, p) return c .. p end)), "ab3c")
    equal((("abc"):gsub("^%w", "X")), "Xbc")
    equal((("a\0b"):gsub("\0", "-")), "a-b")
    equal((("abc"):gsub("b*", "-")), "-a-c-")
    raises("invalid use of '%' in replacement string", string.gsub, "a", "a", "%x")
    raises("invalid capture index %2", string.gsub, "a", "(a)", "%2")
    raises("invalid replacement value (a table)", string.gsub, "a", "a", function() return {} end)
    raises("string/function/table expected", string.gsub, "a", "a")
    equal((("abc"):gsub("%w", setmetatable({}, { __index = function(_, k) return k .. k end }))), "aabbcc")
  end,

  errors_in_callbacks_pass_through = function()
    local ok, message = pcall(string.gsub, "abc", "%w", function(c) if c == "b" then error({ code = 7 }) end end)
    equal(ok, false)
    equal(type(message), "table")
    equal(message.code, 7)
    local nested = (("ab"):gsub("%w", function(c)
      return (("xy"):gsub("%w", function(d) return c .. d end))
    end))
    equal(nested, "axaybxby")
  end,

  depth_is_limited_not_fatal = function()
    raises("pattern too complex", string.match, ("a"):rep(400000), string.rep("a?", 300) .. "b")
    equal(#("a"):rep(100000):match(".*"), 100000)
    equal(#(("a"):rep(100000):match(".-$")), 100000)
  end,

  realistic_uses = function()
    local date, month = ("2026-08-01T10:20:30Z"):match("^(%d%d%d%d)%-(%d%d)")
    equal(date .. month, "202608")
    local q = {}
    for k, v in ("a=1&b=%20x&c"):gmatch("([^&=]+)=?([^&]*)") do q[#q + 1] = k .. ":" .. v end
    equal(table.concat(q, " "), "a:1 b:%20x c:")
    equal((("%20x%2F"):gsub("%%(%x%x)", function(h) return string.char(tonumber(h, 16)) end)), " x/")
    local csv = {}
    for field in ("a,b,,d"):gmatch("([^,]*)") do csv[#csv + 1] = field end
    equal(table.concat(csv, "|"), "a|b||d")
    equal(("v1=abc,v1=def"):match("v1=(%x+)"), "abc")
    equal(("refs/heads/feature/x"):match("^refs/heads/(.+)$"), "feature/x")
    equal(("key: value"):find(": ", 1, true), 4)
    equal((" x "):gsub("^%s+", ""):len(), 2)
  end,
})

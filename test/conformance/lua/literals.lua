local check = require("check")
local equal, malformed, truth = check.equal, check.malformed, check.truth

local function value(source)
  return assert(load("return " .. source, "=chunk"))()
end

return check.suite({
  escapes_in_strings = function()
    equal("\a\b\f\n\r\t\v", string.char(7, 8, 12, 10, 13, 9, 11))
    equal("\65\066\x43\u{44}", "ABCD")
    equal("\0001", "\0" .. "1")
    equal("\x00\xff", string.char(0, 255))
    equal("\u{7FFFFFFF}", "\xFD\xBF\xBF\xBF\xBF\xBF")
    equal("\u{20AC}", "\xE2\x82\xAC")
    equal("a\z
           b\z  c", "abc")
    equal("a\
b", "a\nb")
    equal('single "double"', "single \"double\"")
    equal("\\", string.char(92))
    equal(#"\z", 0)
    equal('\'', "'")
  end,

  long_brackets = function()
    equal([[
first newline is dropped]], "first newline is dropped")
    equal([==[ ]] ]=] ]==], " ]] ]=] ")
    equal(#[[

]], 1)
    equal([[\n]], "\\n")
    equal(value("[[a\r\nb]]"), "a\nb")
    equal(value("[[a\n\rb]]"), "a\nb")
    equal(value("[[a\rb]]"), "a\nb")
    equal(value("'a\\\r\nb'"), "a\nb")
    equal(value("[=====[]=====]"), "")
    equal(value("[[\0]]"), "\0")
  end,

  comments = function()
    equal(value("1 -- comment"), 1)
    equal(value("--[[ long\n comment ]] 2"), 2)
    equal(value("--[==[ ]] ]==] 3"), 3)
    equal(value("--[ not long\n 4"), 4)
    equal(value("--[=x\n 5"), 5)
    equal(load("--")(), nil)
    equal(load("--[[]]")(), nil)
    malformed("unfinished long comment", "--[[")
    malformed("near <eof>", "--[==[ ]]")
  end,

  numerals = function()
    equal(3, 0x3)
    equal(3.0, 3e0)
    equal(0xA.8, 10.5)
    equal(0x.1p4, 1.0)
    equal(0xep1, 28.0)
    equal(1e-2, 0.01)
    equal(.5, 0.5)
    equal(5., 5.0)
    equal(0X1P-1, 0.5)
    equal(1E2, 100.0)
    equal(0xffffffffffffffffff, -1)
    equal(1e400, math.huge)
    equal(value("100000000000000000000000"), 1e23)
    malformed("malformed number near '3x'", "return 3x")
    malformed("malformed number near '1e'", "return 1e")
    malformed("malformed number near '0x'", "return 0x")
    malformed("malformed number near '0xg'", "return 0xg")
    malformed("malformed number near '1..2'", "return 1..2")
    malformed("malformed number near '0x1p'", "return 0x1p")
    malformed("malformed number near '1.2.3'", "return 1.2.3")
  end,

  malformed_strings_are_refused_with_the_place = function()
    malformed("unfinished string", 'return "abc')
    malformed("unfinished string", 'return "abc\nd"')
    malformed("unfinished string near <eof>", 'return "abc\\')
    malformed("invalid escape sequence", 'return "\\q"')
    malformed("decimal escape too large", 'return "\\256"')
    malformed("hexadecimal digit expected", 'return "\\xg0"')
    malformed("missing '{'", 'return "\\u41"')
    malformed("missing '}'", 'return "\\u{41"')
    malformed("UTF-8 value too large", 'return "\\u{80000000}"')
    malformed("unfinished long string", "return [[abc")
    malformed("invalid long string delimiter", "return [=abc")
    malformed("chunk:3:", "return 1 +\n\n]")
  end,

  names_and_reserved_words = function()
    equal(value("(function() local _a1, A = 1, 2 return _a1 + A end)()"), 3)
    for _, word in ipairs({ "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
      "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }) do
      malformed("<name> expected near", "local " .. word .. " = 1")
    end
    equal(value("({ ['end'] = 1 })['end']"), 1)
    malformed("unexpected symbol near '@'", "return @")
    malformed("near '$'", "local $a = 1")
    malformed("near '<\\195>'", "local \xC3\xA4 = 1")
    malformed("near '!'", "return 1 != 2")
    local long = ("n"):rep(5000)
    equal(load("local " .. long .. " = 7 return " .. long)(), 7)
  end,

  shebang_is_not_code_for_load = function()
    malformed("unexpected symbol near '#'", "#!/usr/bin/lua\nreturn 1")
  end,

  syntax_errors_name_what_is_missing = function()
    malformed("'end' expected", "if x then")
    malformed("'end' expected (to close 'if' at line 1) near <eof>", "if x then\n\n")
    malformed("'then' expected", "if x do end")
    malformed("syntax error near <eof>", "local function f() end f")
    malformed("'}' expected", "return {1")
    malformed("')' expected", "return (1")
    malformed("<name> expected", "local 1 = 2")
    malformed("'do' expected", "while true end")
    malformed("'until' expected", "repeat x()")
    malformed("syntax error near 'x'", "f x")
    malformed("unexpected symbol near 'return'", "return return")
    malformed("'=' or 'in' expected", "for x do end")
    malformed("cannot use '...' outside a vararg function", "return function() return ... end")
    malformed("break outside loop at line 1", "break")
    malformed("unknown attribute 'foo'", "local x <foo> = 1")
    malformed("multiple to-be-closed variables in local list", "local a <close>, b <close> = 1, 2")
    malformed("<eof> expected near 'x'", "return 1 x")
    malformed("syntax error near '='", "f() = 1")
    malformed("attempt to assign to const variable 'x'", "local x <const> = 1 x = 2")
  end,

  large_constants_and_many_locals = function()
    local parts = {}
    for i = 1, 200 do parts[i] = "local v" .. i .. " = " .. i end
    parts[#parts + 1] = "return v1 + v200"
    equal(load(table.concat(parts, "\n"))(), 201)
    parts[#parts] = "local v201 = 1"
    malformed("too many local variables", table.concat(parts, "\n"))
    local list = {}
    for i = 1, 3000 do list[i] = tostring(i) .. ".5" end
    local t = load("return {" .. table.concat(list, ",") .. "}")()
    equal(#t, 3000)
    equal(t[3000], 3000.5)
    local nested = ("("):rep(150) .. "1" .. (")"):rep(150)
    equal(value(nested), 1)
    malformed("C stack overflow", "return " .. ("("):rep(300) .. "1" .. (")"):rep(300))
    truth(load("return " .. ("{"):rep(150) .. ("}"):rep(150)))
  end,
})

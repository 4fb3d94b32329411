local check = require("check")
local equal, raises, results, truth = check.equal, check.raises, check.results, check.truth

local sample = "a\u{E4}\u{20AC}\u{1F600}"

return check.suite({
  encoding = function()
    equal(utf8.char(), "")
    equal(utf8.char(97, 0xE4, 0x20AC, 0x1F600), sample)
    equal(utf8.char(0), "\0")
    equal(utf8.char(0x7FFFFFFF), "\xFD\xBF\xBF\xBF\xBF\xBF")
    equal(utf8.char(0x7F), "\x7F")
    equal(utf8.char(0x80), "\xC2\x80")
    equal(utf8.char(0x7FF), "\xDF\xBF")
    equal(utf8.char(0x800), "\xE0\xA0\x80")
    equal(utf8.char(0xFFFF), "\xEF\xBF\xBF")
    equal(utf8.char(0x10000), "\xF0\x90\x80\x80")
    raises("value out of range", utf8.char, -1)
    raises("value out of range", utf8.char, 0x80000000)
  end,

  lengths = function()
    equal(utf8.len(sample), 4)
    equal(utf8.len(""), 0)
    equal(utf8.len(sample, 2), 3)
    equal(utf8.len(sample, 4), 2)
    equal(utf8.len(sample, -4), 1)
    equal(utf8.len(sample, 1, 1), 1)
    equal(utf8.len("abc", 4), 0)
    results({ nil, 3 }, utf8.len("ab\xff"))
    results({ nil, 3 }, utf8.len(sample, 3))
    results({ nil, 1 }, utf8.len("\xC0\x80"))
    results({ nil, 1 }, utf8.len("\xED\xA0\x80"))
    equal(utf8.len("\xED\xA0\x80", 1, -1, true), 1)
    results({ nil, 1 }, utf8.len("\xF4\x90\x80\x80"))
    equal(utf8.len("\xF4\x90\x80\x80", 1, -1, true), 1)
    results({ nil, 1 }, utf8.len("\xE2\x82"))
    raises("initial position out of bounds", utf8.len, "abc", 5)
    raises("final position out of bounds", utf8.len, "abc", 1, 4)
  end,

  codepoints = function()
    results({ 97, 0xE4, 0x20AC, 0x1F600 }, utf8.codepoint(sample, 1, -1))
    equal(utf8.codepoint(sample), 97)
    equal(utf8.codepoint(sample, 2), 0xE4)
    results({ n = 0 }, utf8.codepoint(sample, 3, 2))
    raises("invalid UTF-8 code", utf8.codepoint, "\xff")
    raises("invalid UTF-8 code", utf8.codepoint, sample, 3)
    raises("out of bounds", utf8.codepoint, "abc", 4)
    equal(utf8.codepoint("\u{7FFFFFFF}", 1, 1, true), 0x7FFFFFFF)
    raises("invalid UTF-8 code", utf8.codepoint, "\u{7FFFFFFF}")
  end,

  offsets = function()
    equal(utf8.offset(sample, 1), 1)
    equal(utf8.offset(sample, 2), 2)
    equal(utf8.offset(sample, 3), 4)
    equal(utf8.offset(sample, 4), 7)
    equal(utf8.offset(sample, 5), 11)
    equal(utf8.offset(sample, 6), nil)
    equal(utf8.offset(sample, -1), 7)
    equal(utf8.offset(sample, -4), 1)
    equal(utf8.offset(sample, -5), nil)
    equal(utf8.offset(sample, 0, 3), 2)
    equal(utf8.offset(sample, 0, 11), 11)
    raises("initial position is a continuation byte", utf8.offset, sample, 1, 3)
    raises("position out of bounds", utf8.offset, "abc", 1, 5)
  end,

  iteration = function()
    local seen = {}
    for position, code in utf8.codes(sample) do seen[#seen + 1] = position .. ":" .. code end
    equal(table.concat(seen, " "), "1:97 2:228 4:8364 7:128512")
    local n = 0
    for _ in utf8.codes("") do n = n + 1 end
    equal(n, 0)
    raises("invalid UTF-8 code", function() for _ in utf8.codes("a\xffb") do end end)
    raises("invalid UTF-8 code", function() for _ in utf8.codes("\xE2\x82") do end end)
    raises("invalid UTF-8 code", function() for _ in utf8.codes("\xED\xA0\x80") do end end)
    for _, code in utf8.codes("\xED\xA0\x80", true) do equal(code, 0xD800) end
  end,

  the_pattern_matches_one_character = function()
    local parts = {}
    for c in sample:gmatch(utf8.charpattern) do parts[#parts + 1] = #c end
    equal(table.concat(parts, ","), "1,2,3,4")
    equal(utf8.charpattern, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*")
  end,

  round_trip_of_the_ranges = function()
    for _, first in ipairs({ 0, 0x70, 0x7F0, 0xD7F0, 0xE000, 0xFFF0, 0x10FFF0 }) do
      for code = first, first + 15 do
        local s = utf8.char(code)
        equal(utf8.codepoint(s), code)
        equal(utf8.len(s), 1)
        truth(s:match("^" .. utf8.charpattern .. "$"))
      end
    end
  end,
})

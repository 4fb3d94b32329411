local check = require("check")
local equal, raises, results, truth = check.equal, check.raises, check.results, check.truth
local pack, unpack, size = string.pack, string.unpack, string.packsize

return check.suite({
  integers_of_every_size = function()
    for bytes = 1, 16 do
      local little, big = "<i" .. bytes, ">i" .. bytes
      for _, value in ipairs({ 0, 1, -1, 100, -100 }) do
        equal(unpack(little, pack(little, value)), value)
        equal(unpack(big, pack(big, value)), value)
        equal(pack(little, value), pack(big, value):reverse())
      end
      equal(size(little), bytes)
    end
    equal(pack("<I4", 0x01020304), "\4\3\2\1")
    equal(pack(">I4", 0x01020304), "\1\2\3\4")
    equal(pack("<i3", -2), "\xfe\xff\xff")
    equal(unpack("<I3", "\xfe\xff\xff"), 0xfffffe)
    equal(unpack("B", "\xff"), 255)
    equal(unpack("b", "\xff"), -1)
    equal(unpack("<I8", ("\xff"):rep(8)), -1)
    equal(unpack("<j", pack("<j", math.mininteger)), math.mininteger)
    equal(unpack("<i16", pack("<i16", math.mininteger)), math.mininteger)
    equal(size("b") + size("h") + size("i") + size("l") + size("j"), 1 + 2 + 4 + size("l") + 8)
  end,

  overflow_is_refused = function()
    raises("integer overflow", pack, "i1", 128)
    raises("integer overflow", pack, "i1", -129)
    raises("unsigned overflow", pack, "I1", 256)
    raises("overflow", pack, "I2", -1)
    raises("does not fit", unpack, "<I9", ("\xff"):rep(8) .. "\1")
    raises("out of limits [1,16]", pack, "i17", 1)
    raises("out of limits [1,16]", pack, "i0", 1)
    raises("number expected", pack, "i4", "x")
    raises("no integer representation", pack, "i4", 1.5)
  end,

  floats = function()
    for _, value in ipairs({ 0.0, 1.5, -2.25, 1e300, math.huge, -math.huge }) do
      equal(unpack("<d", pack("<d", value)), value)
      equal(unpack(">d", pack(">d", value)), value)
      equal(unpack("n", pack("n", value)), value)
    end
    equal(unpack("<f", pack("<f", 0.5)), 0.5)
    equal(unpack("<f", pack("<f", 1e300)), math.huge)
    truth(unpack("<f", pack("<f", 0.1)) ~= 0.1)
    equal(pack(">d", 1.0), "\x3f\xf0\0\0\0\0\0\0")
    local nan = unpack("<d", pack("<d", 0 / 0))
    truth(nan ~= nan)
    equal(size("f"), 4)
    equal(size("d"), 8)
  end,

  strings = function()
    equal(pack("z", "abc"), "abc\0")
    results({ "abc", 5 }, unpack("z", "abc\0rest"))
    equal(pack("s1", "abc"), "\3abc")
    results({ "abc", 5 }, unpack("s1", "\3abcx"))
    equal(unpack("<s4", pack("<s4", ("x"):rep(1000))), ("x"):rep(1000))
    equal(unpack("s", pack("s", "a\0b")), "a\0b")
    equal(pack("c5", "ab"), "ab\0\0\0")
    equal(unpack("c5", "abcdefg"), "abcde")
    raises("string longer than given size", pack, "c2", "abc")
    raises("contains zeros", pack, "z", "a\0b")
    raises("does not fit", pack, "s1", ("x"):rep(256))
    raises("unfinished string", unpack, "z", "abc")
    raises("data string too short", unpack, "s1", "\5abc")
    raises("data string too short", unpack, "c5", "abc")
    raises("missing size", pack, "c", "a")
    raises("variable-length format", size, "s")
    raises("variable-length format", size, "z")
  end,

  alignment_and_padding = function()
    equal(pack("<!4 b i4", 1, 2), "\1\0\0\0\2\0\0\0")
    equal(pack("<!2 b i4", 1, 2), "\1\0\2\0\0\0")
    equal(pack("<b i4", 1, 2), "\1\2\0\0\0")
    equal(pack("<!4 b Xi4 b", 1, 2), "\1\0\0\0\2")
    equal(pack("bxb", 1, 2), "\1\0\2")
    results({ 1, 2, 9 }, unpack("<!4 b i4", "\1\0\0\0\2\0\0\0"))
    equal(size("<!8 b Xd d"), 16)
    equal(size("!8 i1 i8"), 16)
    raises("not power of 2", pack, "!4 i3 Xi3", 1)
    raises("invalid next option", pack, "X", 1)
    raises("invalid next option", pack, "Xz", 1)
    raises("out of limits", pack, "!17 i4", 1)
  end,

  positions_and_errors = function()
    results({ 2, 3 }, unpack("b", "\1\2", 2))
    results({ 2, 3 }, unpack("b", "\1\2", -1))
    results({ 1, 2, 3, 4 }, unpack("bbb", "\1\2\3"))
    results({ 3 }, unpack("", "\1\2", 3))
    raises("initial position out of string", unpack, "b", "\1", 5)
    raises("data string too short", unpack, "b", "", 1)
    raises("data string too short", unpack, "i4", "abc")
    raises("invalid format option 'y'", pack, "y", 1)
    raises("invalid format option 'Y'", unpack, "Y", "x")
    equal(pack(" < i1 > i1 = i1", 1, 2, 3), "\1\2\3")
    raises("too large", size, ("c200000000"):rep(20))
    raises("number expected", pack, "i4")
  end,
})

local check = require("check")
local equal, malformed = check.equal, check.malformed

return check.suite({
  jumps_back_and_forward = function()
    local n = 0
    ::again::
    n = n + 1
    if n < 5 then goto again end
    equal(n, 5)
    do
      goto past
      n = 100
    end
    ::past::
    equal(n, 5)
  end,

  continue = function()
    local sum = 0
    for i = 1, 10 do
      if i % 2 == 0 then goto continue end
      sum = sum + i
      ::continue::
    end
    equal(sum, 25)
    local rows = 0
    for i = 1, 3 do
      for j = 1, 3 do
        if j == 2 then goto next_row end
        rows = rows + i
      end
      ::next_row::
    end
    equal(rows, 6)
    local k = 0
    while k < 10 do
      k = k + 1
      if k ~= 10 then goto skip end
      sum = 0
      ::skip::
    end
    equal(sum, 0)
    repeat
      goto done
      k = 0
      ::done::
    until true
    equal(k, 10)
  end,

  leaves_nested_loops = function()
    local found
    for i = 1, 10 do
      for j = 1, 10 do
        if i * j == 42 then
          found = i .. "x" .. j
          goto out
        end
      end
    end
    ::out::
    equal(found, "6x7")
  end,

  a_jump_back_makes_new_locals = function()
    local fs = {}
    do
      local i = 1
      ::top::
      local fresh = i
      fs[i] = function() return fresh end
      i = i + 1
      if i <= 3 then goto top end
    end
    equal(fs[1]() .. fs[2]() .. fs[3](), "123")
    local first
    do
      local k = 0
      ::loop::
      local x
      if k == 0 then
        x = "set"
        first = function() return x end
      end
      k = k + 1
      if k < 2 then goto loop end
      equal(x, nil)
    end
    equal(first(), "set")
  end,

  a_state_machine = function()
    local input, position, output = "aab", 0, {}
    ::start::
    position = position + 1
    local char = input:sub(position, position)
    if char == "a" then goto letter_a end
    if char == "b" then goto letter_b end
    goto finish
    ::letter_a::
    output[#output + 1] = "A"
    goto start
    ::letter_b::
    output[#output + 1] = "B"
    goto start
    ::finish::
    equal(table.concat(output), "AAB")
  end,

  wrong_jumps_do_not_compile = function()
    malformed("no visible label 'x'", "goto x")
    malformed("no visible label 'x'", "goto x; do ::x:: end")
    malformed("no visible label 'x'", "::x:: local f = function() goto x end")
    malformed("label 'x' already defined", "::x:: ::x::")
    malformed("label 'x' already defined", "::x:: do ::x:: end")
    malformed("jumps into the scope of local 'a'", "goto x; local a; ::x:: print(a)")
    malformed("jumps into the scope of local 'a'", "repeat if x then goto cont end; local a; ::cont:: until a")
    malformed("near", "goto 1")
    malformed("near", "::1::")
    malformed("break outside", "if true then break end")
    equal(type(load("goto x; local a; ::x::")), "function")
    equal(type(load("do goto x end ::x::")), "function")
    equal(type(load("local goto_ = 1; return goto_")), "function")
  end,

  break_ends_the_innermost_loop = function()
    local n = 0
    for _ = 1, 3 do
      while true do
        n = n + 1
        break
      end
    end
    equal(n, 3)
    for i = 1, 10 do
      if i == 4 then break end
      n = i
    end
    equal(n, 3)
    repeat
      if n then break end
      n = nil
    until false
    equal(n, 3)
  end,

  close_runs_when_a_jump_leaves_its_scope = function()
    local log = {}
    local function closer(name) return setmetatable({}, { __close = function() log[#log + 1] = name end }) end
    do
      local i = 0
      ::top::
      do
        local c <close> = closer("c" .. i)
        i = i + 1
        if i < 3 then goto top end
      end
    end
    equal(table.concat(log, ","), "c0,c1,c2")
    for i = 1, 3 do
      local b <close> = closer("b" .. i)
      if i == 2 then break end
    end
    equal(table.concat(log, ","), "c0,c1,c2,b1,b2")
  end,
})

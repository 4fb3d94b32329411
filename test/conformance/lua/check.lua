-- Assertions that count: every case of a suite answers how many it made, so a case that asserts nothing is noticed.
local check = {}
local count = 0

local function show(value)
  if type(value) == "string" then
    return string.format("%q", value)
  end
  if math.type(value) == "float" then
    return string.format("%.17g (float)", value)
  end
  return tostring(value)
end

local function fail(message, label)
  error((label and label .. ": " or "") .. message, 3)
end

-- Same type, same subtype of number, same value; NaN is the same as NaN, 0.0 is not -0.0.
local function identical(left, right)
  if left ~= left and right ~= right then
    return true
  end
  if math.type(left) ~= math.type(right) then
    return false
  end
  if left == 0 and math.type(left) == "float" then
    return right == 0 and 1 / left == 1 / right
  end
  return rawequal(left, right)
end

function check.equal(actual, expected, label)
  count = count + 1
  if not identical(actual, expected) then
    fail("expected " .. show(expected) .. ", got " .. show(actual), label)
  end
end

function check.truth(value, label)
  count = count + 1
  if not value then
    fail("expected a true value, got " .. show(value), label)
  end
end

function check.falsehood(value, label)
  count = count + 1
  if value then
    fail("expected nil or false, got " .. show(value), label)
  end
end

-- Compares a whole list of results: check.results({ n, … }, f(…)).
function check.results(expected, ...)
  count = count + 1
  local got = table.pack(...)
  local n = expected.n or #expected
  if got.n ~= n then
    fail("expected " .. n .. " results, got " .. got.n)
  end
  for i = 1, n do
    if not identical(got[i], expected[i]) then
      fail("result " .. i .. ": expected " .. show(expected[i]) .. ", got " .. show(got[i]))
    end
  end
end

-- The call raises, and its message contains the plain text.
function check.raises(text, f, ...)
  count = count + 1
  local ok, message = pcall(f, ...)
  if ok then
    fail("expected an error with " .. show(text) .. ", none was raised")
  end
  if type(message) ~= "string" or not string.find(message, text, 1, true) then
    fail("expected an error with " .. show(text) .. ", got " .. show(message))
  end
end

-- The source does not compile, and the message contains the plain text.
function check.malformed(text, source)
  count = count + 1
  local chunk, message = load(source, "=chunk")
  if chunk then
    fail("expected a syntax error with " .. show(text) .. ", it compiled")
  end
  if not string.find(message, text, 1, true) then
    fail("expected a syntax error with " .. show(text) .. ", got " .. show(message))
  end
end

function check.count()
  return count
end

-- Turns named cases into handlers that answer how many assertions they made.
function check.suite(cases)
  local handlers = {}
  for name, body in pairs(cases) do
    handlers[name] = function()
      count = 0
      body()
      return count
    end
  end
  return handlers
end

return check

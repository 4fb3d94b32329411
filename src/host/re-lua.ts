/** The part of `re` that is written in Lua: iteration, replacement, splitting over batches of matches. */

/** Runs in the host's prelude: `host` and `env` are its locals. */
export const reLua = `
local error, type, tostring, tonumber = env.error, env.type, env.tostring, env.tonumber
local sub, find, match, format, byte, concat = env.string.sub, env.string.find, env.string.match, env.string.format, env.string.byte, env.table.concat

-- One match after the other: match, first byte, last byte.
local function matches(scan, text, pattern, flags, most)
  local at, last, found, places, n, i, given = 1, -1, nil, nil, 0, 0, 0
  return function()
    while i >= n do
      if at == 0 or given >= most then return nil end
      found, places, at, last = scan(text, pattern, flags, at, last, most - given)
      n, i = #found, 0
    end
    i = i + 1
    given = given + 1
    return found[i], places[2 * i - 1], places[2 * i]
  end
end

local scan_all, scan_split = host['re.gmatch'], host['re.split']
env.re.gmatch = function(text, pattern, flags)
  local next_match = matches(scan_all, text, pattern, flags, 1073741824)
  return function() return (next_match()) end
end

-- The pieces of a template: texts and group names.
local function template(text)
  local parts, at = {}, 1
  while true do
    local dollar = find(text, '$', at, true)
    if not dollar then
      parts[#parts + 1] = sub(text, at)
      return parts
    end
    parts[#parts + 1] = sub(text, at, dollar - 1)
    local name, after = match(text, '^{([%w_]+)}()', dollar + 1)
    if not name then name, after = match(text, '^(%d+)()', dollar + 1) end
    if name then
      parts[#parts + 1] = { tonumber(name) or name }
      at = after
    elseif byte(text, dollar + 1) == 36 then
      parts[#parts + 1] = '$'
      at = dollar + 2
    else
      error("a '$' in the replacement must be followed by a number, a name in braces or '$'", 0)
    end
  end
end

local function replace(name, most)
  local scan = host['re.' .. name]
  return function(text, pattern, replacement, flags)
    local kind = type(replacement)
    local parts
    if kind == 'string' or kind == 'number' then
      local ok, result = env.pcall(template, tostring(replacement))
      if not ok then error(format("bad argument #3 to '%s' (%s)", name, result), 2) end
      parts = result
    elseif kind ~= 'function' then
      error(format("bad argument #3 to '%s' (string or function expected, got %s)", name, kind), 2)
    end
    local out, at, count = {}, 1, 0
    for m, from, to in matches(scan, text, pattern, flags, most) do
      count = count + 1
      out[#out + 1] = sub(text, at, from - 1)
      if parts then
        for i = 1, #parts do
          local part = parts[i]
          if type(part) == 'table' then part = m[part[1]] or '' end
          out[#out + 1] = part
        end
      else
        local value = replacement(m)
        if value == nil or value == false then value = m[0] end
        if type(value) ~= 'string' and type(value) ~= 'number' then
          error(format("the replacement function gave a %s instead of a string", type(value)), 2)
        end
        out[#out + 1] = value
      end
      at = to + 1
    end
    out[#out + 1] = sub(text, at)
    return concat(out), count
  end
end
env.re.gsub = replace('gsub', 1073741824)
env.re.sub = replace('sub', 1)

env.re.split = function(text, pattern, flags, max)
  local most = 1073741824
  if max ~= nil then
    if type(max) ~= 'number' or max < 1 then error("bad argument #4 to 'split' (a number from 1 expected)", 2) end
    most = max - 1
  end
  local pieces, at = {}, 1
  for _, from, to in matches(scan_split, text, pattern, flags, most) do
    -- An empty match at either end parts nothing.
    if to >= from or (from > 1 and from <= #text) then
      pieces[#pieces + 1] = sub(text, at, from - 1)
      at = to + 1
    end
  end
  pieces[#pieces + 1] = sub(text, at)
  return pieces
end
`;

/** Scripts that take memory without end, one for each kind of thing that memory is taken for. */
import type { EndlessScript } from './endless-loops.ts';

/** As endless scripts: with `endless` false they take a little and end. */
export const memoryBombs: readonly EndlessScript[] = [
  { name: 'a growing array', body: 'local t = {} repeat t[#t + 1] = 1 until not endless and #t > 9' },
  { name: 'a growing map', body: 'local t, n = {}, 0 repeat n = n + 1 t["k" .. n] = n until not endless and n > 9' },
  { name: 'tables in tables', body: 'local t, n = {}, 0 repeat n = n + 1 t = { t } until not endless and n > 9' },
  { name: 'a string that doubles', body: 'local s = "x" repeat s = s .. s until not endless and #s > 99' },
  {
    name: 'strings kept in a table',
    body: 'local t = {} repeat t[#t + 1] = ("x"):rep(1000) .. #t until not endless and #t > 9',
  },
  { name: 'string.rep of a gigabyte', body: 'local _ = ("x"):rep(endless and 1 << 30 or 9)' },
  { name: 'string.rep just below the largest size', body: 'local _ = ("x"):rep(endless and 0x7fffff00 or 9)' },
  { name: 'string.rep with a separator', body: 'local _ = ("x"):rep(endless and 1 << 26 or 9, ("y"):rep(20))' },
  {
    name: 'table.concat of one string many times',
    body: 'local s, t = ("x"):rep(100000), {} for i = 1, endless and 1000 or 2 do t[i] = s end local _ = table.concat(t)',
  },
  {
    name: 'gsub that multiplies',
    body: 'local s = ("x"):rep(endless and 100000 or 9) local _ = s:gsub("x", ("y"):rep(endless and 10000 or 2))',
  },
  {
    name: 'gsub with a growing callback',
    body: 'local s = ("x"):rep(endless and 10000 or 9) local _ = s:gsub("x", function() return ("y"):rep(endless and 100000 or 2) end)',
  },
  {
    name: 'string.format of long strings',
    body: 'local s = ("x"):rep(endless and 4000000 or 9) local _ = ("%s%s%s%s%s%s%s%s"):format(s, s, s, s, s, s, s, s)',
  },
  {
    name: '%q of a long string',
    body: 'local s = ("\\n\\0\\\\"):rep(endless and 2000000 or 9) local _ = ("%q"):format(s)',
  },
  {
    name: 'string.pack of long strings',
    body: 'local s = ("x"):rep(endless and 6000000 or 9) local _ = ("s4s4s4s4"):pack(s, s, s, s)',
  },
  { name: 'a fixed pack field of a gigabyte', body: 'local _ = ("c" .. (endless and 1 << 30 or 9)):pack("")' },
  {
    name: 'closures',
    body: 'local t, n = {}, 0 repeat n = n + 1 local v = n t[n] = function() return v end until not endless and n > 9',
  },
  {
    name: 'coroutines',
    body: 'local t, n = {}, 0 repeat n = n + 1 t[n] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[n]) until not endless and n > 9',
  },
  {
    name: 'coroutines with deep stacks',
    body: 'local function deep(n) if n == 0 then coroutine.yield() else deep(n - 1) end return 1 end local t, n = {}, 0 repeat n = n + 1 t[n] = coroutine.wrap(deep) t[n](endless and 5000 or 5) until not endless and n > 9',
  },
  {
    name: 'arguments',
    body: 'local function f(...) return select("#", ...) end local t = {} for i = 1, endless and 200000 or 9 do t[i] = i end local n = 0 repeat n = n + 1 local u = { table.unpack(t) } t[#t + 1] = u until not endless and n > 3',
  },
  {
    name: 'varargs that grow',
    body: 'local function f(...) if endless or select("#", ...) < 9 then return f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, ...) end end f()',
  },
  {
    name: 'recursion with large frames',
    body: 'local function f(n) local a, b, c, d, e, g, h, i = n, n, n, n, n, n, n, n if endless or n < 9 then return f(n + 1) + a + b end return 0 end f(0)',
  },
  {
    name: 'compiled code',
    body: 'local t, n = {}, 0 repeat n = n + 1 t[n] = load("local a = {1,2,3} return function() return \'" .. n .. "\' end") until not endless and n > 9',
  },
  {
    name: 'one very large chunk',
    body: 'local s = {} for i = 1, endless and 30000 or 3 do s[i] = "do local x = \'" .. i .. ("y"):rep(100) .. "\' end" end local _ = load(table.concat(s, " "))',
  },
  {
    name: 'a reader that feeds a long string',
    body: 'local n = 0 load(function() n = n + 1 if n == 1 then return "return \'" end if endless or n < 9 then return ("x"):rep(10000) end return n == 9 and "\'" or nil end)',
  },
  {
    name: 'a name without end',
    body: 'local n = 0 load(function() n = n + 1 if n == 1 then return "local " end if endless or n < 9 then return ("x"):rep(10000) end end)',
  },
  {
    name: 'table.pack of many',
    body: 'local t = {} local n = 0 repeat n = n + 1 t[n] = table.pack(table.unpack({}, 1, 200)) until not endless and n > 9',
  },
  {
    name: 'a constructor with a huge hint',
    body: 'local t = {} for i = 1, endless and 26 or 3 do t[2 ^ i] = i t[1 << i] = i end local n = 0 repeat n = n + 1 t[n] = n until not endless and n > 99',
  },
  {
    name: 'utf8.char of many',
    body: 'local t = {} for i = 1, 200 do t[i] = 0x7FFFFFFF end local k, n = {}, 0 repeat n = n + 1 k[n] = utf8.char(table.unpack(t)) .. n until not endless and n > 9',
  },
  {
    name: 'a log without end',
    body: 'local keep, n = {}, 0 repeat n = n + 1 print(("x"):rep(endless and 1000 or 9)) keep[n] = ("x"):rep(1000) .. n until not endless and n > 9',
    callOnly: true,
  },
  {
    name: 'memory kept from collection at the limit',
    body: 'local t = {} repeat local ok = pcall(function() t[#t + 1] = ("x"):rep(10000) .. #t end) until not endless and #t > 9',
  },
  {
    name: 'pcall around every allocation',
    body: 'local keep, n = {}, 0 repeat n = n + 1 pcall(function() keep[n] = { n, n, n, n } end) until not endless and n > 9',
  },
  {
    name: 'error values that hold everything',
    body: 'local last local n = 0 repeat n = n + 1 local ok, e = pcall(error, { last, ("x"):rep(1000) .. n }) last = e until not endless and n > 9',
  },
  {
    name: 'a traceback in a message that grows',
    body: 'local m = "x" local n = 0 repeat n = n + 1 m = select(2, xpcall(error, function(e) return e .. debug.traceback(e) end, m)) until not endless and n > 3',
  },
  {
    name: 'weak tables that do not help',
    body: 'local t = setmetatable({}, { __mode = "v" }) local keep = {} repeat keep[#keep + 1] = { #keep } t[#keep] = keep[#keep] until not endless and #keep > 9',
  },
];

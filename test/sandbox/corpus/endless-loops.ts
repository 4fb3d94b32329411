/** Scripts that never end by themselves, one for each place where a machine can loop. */

/**
 * `body` is a piece of Lua that sees the boolean `endless`. With true it never ends; with false it does the same a few times
 * and ends, which shows that the piece itself is right and that only its endlessness is punished.
 */
export interface EndlessScript {
  readonly name: string;
  readonly body: string;
  /** Uses what a module may not use while it loads. */
  readonly callOnly?: true;
}

/** Ways of looping inside Lua code. */
const inLua: readonly EndlessScript[] = [
  { name: 'a while loop', body: 'local n = 0 while endless or n < 9 do n = n + 1 end' },
  { name: 'a repeat loop', body: 'local n = 0 repeat n = n + 1 until not endless and n > 9' },
  { name: 'a goto', body: 'local n = 0 ::top:: n = n + 1 if endless or n < 9 then goto top end' },
  { name: 'a numeric for over all integers', body: 'for i = 1, endless and math.maxinteger or 9 do end' },
  {
    name: 'a numeric for over floats that stand still',
    body: 'for x = endless and 2.0 ^ 53 or 0.0, endless and 2.0 ^ 54 or 9.0, 1.0 do end',
  },
  { name: 'a tail call', body: 'local function f(n) if endless or n < 9 then return f(n + 1) end end f(0)' },
  {
    name: 'two functions that tail-call each other',
    body: 'local g local function f(n) return g(n) end function g(n) if endless or n < 9 then return f(n + 1) end end f(0)',
  },
  {
    name: 'an iterator',
    body: 'local n = 0 for _ in function() n = n + 1 if endless or n < 9 then return n end end do end',
  },
  {
    name: 'ipairs over a table that invents its entries',
    body: 'for _ in ipairs(setmetatable({}, { __index = function(_, i) if endless or i < 9 then return i end end })) do end',
  },
  {
    name: 'pairs with an endless iterator',
    body: 'local t = setmetatable({}, { __pairs = function() return function(_, k) k = (k or 0) + 1 if endless or k < 9 then return k end end end }) for _ in pairs(t) do end',
  },
  {
    name: 'recursion without loops that doubles its work',
    body: 'local function f(n) if n > 0 then f(n - 1) f(n - 1) end end f(endless and 190 or 5)',
  },
];

/** Ways of catching errors around the loop, so that nothing that is an error could end it. */
const inProtectedCalls: readonly EndlessScript[] = [
  {
    name: 'pcall of an endless loop, for ever',
    body: 'local n = 0 repeat pcall(function() repeat n = n + 1 until not endless end) until not endless',
  },
  {
    name: 'pcall of an error, for ever',
    body: 'local n = 0 repeat n = n + 1 pcall(error, "x") until not endless and n > 9',
  },
  { name: 'an endless message handler', body: 'xpcall(error, function() repeat until not endless end, "x")' },
  {
    name: 'a message handler that protects an endless loop',
    body: 'xpcall(error, function() repeat pcall(function() repeat until not endless end) until not endless end, "x")',
  },
  {
    name: 'an error in a message handler, for ever',
    body: 'local n = 0 repeat n = n + 1 xpcall(error, function() error("again") end, "x") until not endless and n > 9',
  },
  {
    name: 'deep nesting of pcall around an endless loop',
    body: 'local function f(n) if n == 0 then repeat until not endless else pcall(f, n - 1) end end f(150)',
  },
  {
    name: 'pcall that calls itself at every level',
    body: 'local function f(n) if not endless and n > 9 then return end pcall(f, n + 1) pcall(f, n + 1) end f(endless and 0 or 10)',
  },
  {
    name: 'stack overflows, for ever',
    body: 'local n = 0 local function deep() return deep() + 1 end repeat n = n + 1 pcall(deep) until not endless and n > 1',
  },
];

/** Ways of looping inside coroutines. */
const inCoroutines: readonly EndlessScript[] = [
  {
    name: 'a loop in a coroutine',
    body: 'coroutine.resume(coroutine.create(function() repeat until not endless end))',
  },
  { name: 'a loop in a wrapped coroutine', body: 'coroutine.wrap(function() repeat until not endless end)()' },
  {
    name: 'a coroutine that yields for ever',
    body: 'local n = 0 local f = coroutine.wrap(function() while true do coroutine.yield() end end) repeat n = n + 1 f() until not endless and n > 9',
  },
  {
    name: 'wrap inside wrap around a loop',
    body: 'local f = function() repeat until not endless end for _ = 1, 50 do local g = f f = function() return coroutine.wrap(g)() end end f()',
  },
  {
    name: 'coroutines that resume each other',
    body: 'local n = 0 local a, b a = coroutine.wrap(function() while true do coroutine.yield() end end) b = coroutine.wrap(function() while true do a() coroutine.yield() end end) repeat n = n + 1 b() until not endless and n > 9',
  },
  {
    name: 'coroutine.close of a coroutine with an endless __close',
    body: 'local co = coroutine.create(function() local c <close> = setmetatable({}, { __close = function() repeat until not endless end }) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)',
  },
  {
    name: 'new coroutines for ever',
    body: 'local n = 0 repeat n = n + 1 coroutine.wrap(function() end)() until not endless and n > 9',
  },
];

/** Ways of looping in code that a library function or an operator calls back. */
const inCallbacks: readonly EndlessScript[] = [
  {
    name: 'a sort comparator',
    body: 'table.sort({ 3, 1, 2 }, function(a, b) repeat until not endless return a < b end)',
  },
  { name: 'a gsub callback', body: '("abc"):gsub(".", function() repeat until not endless end)' },
  {
    name: 'an __index function of gsub',
    body: '("abc"):gsub(".", setmetatable({}, { __index = function() repeat until not endless end }))',
  },
  { name: '__index', body: 'local _ = setmetatable({}, { __index = function() repeat until not endless end }).x' },
  { name: '__newindex', body: 'setmetatable({}, { __newindex = function() repeat until not endless end }).x = 1' },
  {
    name: '__eq',
    body: 'local m = { __eq = function() repeat until not endless end } local _ = setmetatable({}, m) == setmetatable({}, m)',
  },
  {
    name: '__lt in a sort',
    body: 'local m = { __lt = function(a, b) repeat until not endless return a.v < b.v end } table.sort({ setmetatable({ v = 1 }, m), setmetatable({ v = 2 }, m) })',
  },
  {
    name: '__concat',
    body: 'local _ = "x" .. setmetatable({}, { __concat = function() repeat until not endless end })',
  },
  {
    name: '__len of a table given to a library',
    body: 'table.unpack(setmetatable({}, { __len = function() repeat until not endless return 0 end }))',
  },
  {
    name: '__tostring',
    body: 'tostring(setmetatable({}, { __tostring = function() repeat until not endless return "" end }))',
  },
  {
    name: '__tostring inside format',
    body: '("%s"):format(setmetatable({}, { __tostring = function() repeat until not endless return "" end }))',
  },
  {
    name: '__tostring inside print',
    body: 'print(setmetatable({}, { __tostring = function() repeat until not endless return "" end }))',
    callOnly: true,
  },
  { name: '__call in a chain', body: 'setmetatable({}, { __call = function() repeat until not endless end })()' },
  {
    name: '__close',
    body: 'do local c <close> = setmetatable({}, { __close = function() repeat until not endless end }) end',
  },
  {
    name: '__close while an error unwinds',
    body: 'pcall(function() local c <close> = setmetatable({}, { __close = function() repeat until not endless end }) error("x") end)',
  },
  {
    name: '__close of a for loop',
    body: 'for _ in function() end, nil, nil, setmetatable({}, { __close = function() repeat until not endless end }) do end',
  },
  {
    name: 'a reader of load',
    body: 'local n = 0 load(function() n = n + 1 if endless or n < 9 then return " " end end)',
  },
  {
    name: 'a metamethod that loads itself anew',
    body: 'local n = 0 local t t = setmetatable({}, { __index = function(_, k) n = n + 1 if endless or n < 9 then load("")() end return k end }) repeat local _ = t[n] until not endless and n > 9',
  },
];

/** Ways of looping inside C code that no Lua instruction interrupts. */
const inNativeCode: readonly EndlessScript[] = [
  { name: 'a backtracking pattern', body: '("a"):rep(endless and 30000 or 9):find(".-.-.-.-b")' },
  {
    name: 'a backtracking pattern with optional items',
    body: '("a"):rep(endless and 190 or 9):find(("a?"):rep(endless and 190 or 9) .. ("a"):rep(endless and 190 or 9) .. "b")',
  },
  { name: 'nested captures that backtrack', body: '("a"):rep(endless and 5000 or 9):find("(.*)(.*)(.*)(.*)b")' },
  {
    name: 'gmatch over a pattern that backtracks',
    body: 'for _ in ("a"):rep(endless and 20000 or 9):gmatch(".-.-.-b") do end',
  },
  { name: 'gsub with a pattern that backtracks', body: '("a"):rep(endless and 20000 or 9):gsub("(.-)(.-)(.-)b", "")' },
  {
    name: 'a balanced pattern repeated at every position',
    body: 'for _ = 1, endless and 1000000 or 3 do (("("):rep(endless and 20000 or 200)):find("%b()") end',
  },
  { name: 'table.move over a huge range', body: 'table.move({}, 1, endless and 1e15 or 9, 2)' },
  {
    name: 'table.concat over a huge range of empty strings',
    body: 'table.concat(setmetatable({}, { __index = function() return "" end }), "", 1, endless and math.maxinteger - 1 or 9)',
  },
  { name: 'string.rep of nothing', body: 'string.rep("", endless and 1e15 or 9)' },
  {
    name: 'table.unpack again and again',
    body: 'local n = 0 repeat n = n + 1 select("#", table.unpack({}, 1, 200)) until not endless and n > 9',
  },
  {
    name: 'table.insert in the front of a long table',
    body: 'local t = {} for i = 1, 2000 do t[i] = i end local n = 0 repeat n = n + 1 table.insert(t, 1, 0) table.remove(t, 1) until not endless and n > 9',
  },
  {
    name: 'table.insert with a length that lies',
    body: 'pcall(table.insert, setmetatable({}, { __len = function() return endless and math.maxinteger - 1 or 9 end, __index = function() return 1 end, __newindex = function() end }), 1, 0)',
  },
  {
    name: 'table.sort with a length that lies',
    body: 'pcall(table.sort, setmetatable({}, { __len = function() return endless and 2000000000 or 9 end, __index = function(_, i) return i end, __newindex = function() end }))',
  },
  {
    name: 'utf8.len again and again',
    body: 'local s = ("\\u{20AC}"):rep(10000) local n = 0 repeat n = n + 1 utf8.len(s) until not endless and n > 9',
  },
  {
    name: 'string.reverse again and again',
    body: 'local s = ("x"):rep(100000) local n = 0 repeat n = n + 1 s = s:reverse() until not endless and n > 9',
  },
  {
    name: 'string.format with wide fields',
    body: 'local n = 0 repeat n = n + 1 string.format("%99.99f", 1e308) until not endless and n > 9',
  },
  {
    name: 'string.pack of many values',
    body: 'local f = ("i16"):rep(200) local v = {} for i = 1, 200 do v[i] = i end local n = 0 repeat n = n + 1 f:pack(table.unpack(v)) until not endless and n > 9',
  },
  {
    name: 'tostring and tonumber of numbers',
    body: 'local n = 0 repeat n = n + 1 tonumber(tostring(n + 0.5)) until not endless and n > 9',
  },
  {
    name: 'the parser',
    body: 'local s = ("local x = 1 do end "):rep(2000) local n = 0 repeat n = n + 1 load(s) until not endless and n > 1',
  },
  {
    name: 'the parser with deep expressions',
    body: 'local s = "return " .. ("("):rep(150) .. "1" .. (")"):rep(150) local n = 0 repeat n = n + 1 load(s) until not endless and n > 9',
  },
  {
    name: 'long comparisons of strings',
    body: 'local a, b = ("x"):rep(100000) .. "a", ("x"):rep(100000) .. "b" local n = 0 repeat n = n + 1 local _ = a < b until not endless and n > 9',
  },
  {
    name: 'comparisons of strings full of zeros',
    body: 'local a, b = ("\\0"):rep(100000) .. "a", ("\\0"):rep(100000) .. "b" local n = 0 repeat n = n + 1 local _ = a < b until not endless and n > 9',
  },
  {
    name: 'the collector',
    body: 'local keep = {} for i = 1, 20000 do keep[i] = { {} } end local n = 0 repeat n = n + 1 local _ = { {} } until not endless and n > 9',
  },
  {
    name: 'weak tables that the collector walks again and again',
    body: 'local weak = setmetatable({}, { __mode = "k" }) for _ = 1, 5000 do local k = {} weak[k] = { k } end local n = 0 repeat n = n + 1 local _ = ("x"):rep(1000 + n % 10) until not endless and n > 9',
  },
  {
    name: 'next over a table that was emptied',
    body: 'local t = {} for i = 1, 30000 do t[i .. ""] = 1 end for k in pairs(t) do t[k] = nil end local n = 0 repeat n = n + 1 next(t) until not endless and n > 1',
  },
  {
    name: 'a length that is searched for',
    body: 'local t = {} for i = 1, 1000 do t[i] = i end local n = 0 repeat n = n + 1 local _ = #t until not endless and n > 9',
  },
  {
    name: 'string keys that are hashed at full length',
    body: 'local t, n = {}, 0 repeat n = n + 1 t[("k"):rep(30000) .. n % 2] = n until not endless and n > 9',
  },
  {
    name: 'tracebacks of a deep stack',
    body: 'local n = 0 local function deep(d) if d == 0 then repeat n = n + 1 debug.traceback("x") until not endless and n > 1 else return deep(d - 1) or 1 end end deep(150)',
  },
  { name: 'dates', body: 'local n = 0 repeat n = n + 1 os.date("!%c %x %X %p %j %U", n) until not endless and n > 9' },
  { name: 'garbage counts', body: 'local n = 0 repeat n = n + 1 collectgarbage("count") until not endless and n > 9' },
  {
    name: 'random numbers',
    body: 'local n = 0 repeat n = n + 1 math.random(1, 1 << 40) until not endless and n > 9',
    callOnly: true,
  },
];

export const endlessFamilies: Readonly<Record<string, readonly EndlessScript[]>> = {
  'Lua code': inLua,
  'protected calls': inProtectedCalls,
  coroutines: inCoroutines,
  callbacks: inCallbacks,
  'native code': inNativeCode,
};

/** A module whose `default(endless)` runs the script. */
export function asHandler({ body }: EndlessScript): string {
  return `return function(endless)\n${body}\nreturn "ended"\nend`;
}

/** A module that runs the script while it loads. */
export function asTopLevel({ body }: EndlessScript, endless: boolean): string {
  return `local endless = ${endless}\ndo\n${body}\nend\nreturn function() return "loaded" end`;
}

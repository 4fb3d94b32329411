import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findGlobals } from './lua-globals.ts';

/** `name:use`, with the member: `http.get:call`. */
const usesOf = (source: string): readonly string[] | undefined =>
  findGlobals(source)?.map(({ name, use, member }) =>
    member === undefined ? `${name}:${use}` : `${name}.${member.name}:${member.use}`,
  );

test('globals are found with how they are used', () => {
  assert.deepEqual(usesOf('print(x)\nhttp.get("a").body()\ny = 1\nlog:info "s"\njson.null.x = z'), [
    'x:read',
    'print:call',
    'http.get:call',
    'y:write',
    'log.info:call',
    'z:read',
    'json.null:index',
  ]);
});

test('locals, parameters, loop variables and self are not globals', () => {
  const source = `
    local a <const>, b = 1, 2
    local function f(c, ...) return c + a + select('#', ...) end
    for i = 1, 2 do f(i) end
    for k, v in pairs({ b = b, [k] = 1; 3 }) do f(k, v) end
    local t = {}
    function t.m:n() return self end
    repeat local d = f() until d
    do local e end
    return e, function(g) return g end`;
  assert.deepEqual(
    usesOf(source)?.map((use) => use.split(':')[0]),
    ['select', 'k', 'pairs', 'e'],
  );
});

test('a local is known only after its statement, and a local function inside itself', () => {
  assert.deepEqual(usesOf('local x = x'), ['x:read']);
  assert.deepEqual(usesOf('local function f() return f() end'), []);
});

test('places count lines and columns past comments and long texts', () => {
  const [use] = findGlobals('--[==[ one\n]] two ]==] local s = [[\n\n]]\n  -- x\n  htpp.get() -- y') ?? [];
  assert.deepEqual([use?.name, use?.line, use?.column], ['htpp', 6, 3]);
});

test('every kind of token is passed over', () => {
  const source = `#!shebang
    goto done
    local s = 'a\\'b' .. "c\\z
       d" .. [=[ ]] ]=]
    local n = 0x1p4 + 3e-2 + .5 + 0xA.8 // 2 ~ 1 & 2 | 3 << 1 >> 1
    ::done::
    while not (n ~= 1 and -n == #s) do break end
    if n then elseif s then else end
    return; `;
  assert.deepEqual(usesOf(source), []);
});

test('nothing is said about code that does not compile or has an environment of its own', () => {
  assert.equal(usesOf('local = 1'), undefined);
  assert.equal(usesOf('x = "open'), undefined);
  assert.equal(usesOf('local _ENV = {}; x = 1'), undefined);
  assert.equal(usesOf('return _ENV.x'), undefined);
  assert.equal(usesOf(`return ${'('.repeat(50_000)}`), undefined);
});

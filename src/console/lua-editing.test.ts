/** What the editor makes of Lua text without an editor: the call around the cursor, and the outline. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCall } from './page/lua-calls.ts';
import { outlineOf } from './page/lua-outline.ts';

test('the call around the cursor is found through nested calls, tables, strings and comments', () => {
  const cases: readonly (readonly [string, string | undefined, number?])[] = [
    ['http.post(', 'http.post', 0],
    ['http.post(url, ', 'http.post', 1],
    ['http.post(f(1, 2), { a, b, c = g(3, 4) }, ', 'http.post', 2],
    ['http.post(url, { json = kv.get(', 'kv.get', 0],
    ['http.post(url, { json = { ', 'http.post', 1],
    ['log.info("a, (b", ', 'log.info', 1],
    ["log.info('it\\'s, (', ", 'log.info', 1],
    ['log.info([[a, (]], ', 'log.info', 1],
    ['log.info( -- a, (\n ', 'log.info', 0],
    ['log.info("x")', undefined],
    ['return function(event', undefined],
    ['local function named(a, ', undefined],
    ['(1 + ', undefined],
    ['', undefined],
  ];
  for (const [text, name, parameter] of cases) {
    const found = openCall(text);
    assert.deepEqual([found?.name, found?.parameter], [name, parameter], text);
    if (found !== undefined) assert.ok(text.slice(found.from).startsWith(found.name), text);
  }
});

test('the outline names functions at their lines', () => {
  const text = `local function one(a)
end
function two.three(b) end
local four = function() end
return {
  push = function(event) end,
  ["pull_request.opened"] = function(event) end,
}
`;
  assert.deepEqual(
    outlineOf(text).map(({ name, line }) => [name, line]),
    [
      ['one', 1],
      ['two.three', 3],
      ['four', 4],
      ['push', 6],
      ['["pull_request.opened"]', 7],
    ],
  );
  assert.deepEqual(outlineOf('return function(event)\nend'), [{ name: 'the handler', line: 1 }]);
});

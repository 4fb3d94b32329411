import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostBench } from '../../test/builders/host-engine.ts';
import { checkLuaNames, knownNames, type LuaSource } from './check-lua-names.ts';
import { formatDiagnostic } from './diagnostic.ts';

const origin = { file: 'hooks.yaml', lineOffset: 10, columnOffset: 4 };
const linesOf = (...sources: readonly (string | Partial<LuaSource>)[]): readonly string[] =>
  checkLuaNames(
    sources.map((source) => ({ text: '', origin, ...(typeof source === 'string' ? { text: source } : source) })),
    knownNames(),
    'error',
  ).map(formatDiagnostic);

test('a misspelt host module or function is named at its place with the right word', () => {
  assert.deepEqual(linesOf('return function()\n  htpp.get("x")\n  http.gett("x")\nend'), [
    'hooks.yaml:12:7: error: unknown global "htpp" (did you mean "http"?)',
    'hooks.yaml:13:12: error: there is no http.gett (did you mean "get"?)',
  ]);
});

test('a name that is only read is a warning: the code may ask whether it is there', () => {
  assert.deepEqual(linesOf('local unpack = unpack or table.unpack\nif jit then end'), [
    'hooks.yaml:12:8: warning: unknown global "jit"',
  ]);
});

test('what the code itself writes is known, also from its modules', () => {
  assert.deepEqual(
    linesOf('count = 0\nfunction string.trim(s) return s end\nreturn string.trim(count)', 'count = count + 1'),
    [],
  );
});

test('names of other products come with the word to use here', () => {
  assert.match(linesOf('ngx.say("x")')[0] ?? '', /\(ngx\.\* is not there: use event\.request/);
  assert.match(linesOf('os.execute("x")')[0] ?? '', /there is no os\.execute \(no programs can be run\)/);
});

test('an expression is read as one', () => {
  assert.deepEqual(linesOf({ text: 'evnt.data.ref == "x"', expression: true, more: ['event'] }), [
    'hooks.yaml:11:5: error: unknown global "evnt" (did you mean "event"?)',
  ]);
});

test('what waits is refused in an expression, and nowhere else', () => {
  for (const [call, name] of [
    ['http.get("https://a.example")', 'http.get'],
    ['kv.get("a") == nil', 'kv.get'],
    ['k8s.get("v1", "Pod", "a")', 'k8s.get'],
    ['cache.get("a", {}, f)', 'cache.get'],
    ['sleep(1)', 'sleep'],
    ['later("a")', 'later'],
  ] as const) {
    assert.match(
      linesOf({ text: call, expression: true, more: ['f'] })[0] ?? '',
      new RegExp(
        `: error: '${name}' cannot be used here: filters and expressions do no I/O \\(use it in the handler\\)$`,
      ),
    );
    assert.deepEqual(linesOf({ text: `return function(f) return ${call} end` }), [], 'control: a handler may');
  }
  assert.deepEqual(
    linesOf({ text: 're.match(event.body, "x") and json.decode("1")', expression: true, more: ['event'] }),
    [],
  );
});

test('a word is remarked on once, and env has whatever the spec gives it', () => {
  assert.equal(linesOf('foo() foo() foo()').length, 1);
  assert.deepEqual(linesOf('return env.ANYTHING, _G.x, cjson.array_mt, ("x"):upper()'), []);
  assert.deepEqual(linesOf({ text: 'return event.data', more: ['event'] }), []);
});

test('the known names are those of the environment that runs functions', async (context) => {
  const bench = await hostBench();
  context.after(() => bench.close());
  const listed = await bench.value(`
    local names = {}
    for name, value in pairs(_G) do
      names[#names + 1] = name
      if type(value) == "table" and name ~= "_G" and name ~= "env" then
        for member in pairs(value) do names[#names + 1] = name .. "." .. tostring(member) end
      end
    end
    table.sort(names)
    return names`);
  assert.ok(Array.isArray(listed) && listed.length > 100);
  const there = new Set(
    listed.filter((full): full is string => typeof full === 'string' && !full.startsWith('cjson.')),
  );
  const known = knownNames();
  const unknown = [...there].filter((full) => {
    const [name = '', member] = full.split('.');
    return !known.has(name) || (member !== undefined && !known.get(name)?.has(member));
  });
  assert.deepEqual(unknown, []);
  const missing = [...known].flatMap(([name, members]) =>
    [name, ...[...members].map((member) => `${name}.${member}`)].filter(
      (full) => !there.has(full) && !full.startsWith('cjson.'),
    ),
  );
  assert.deepEqual(missing, []);
});

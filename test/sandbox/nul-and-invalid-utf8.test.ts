/** Zero bytes and bytes that are no UTF-8 pass unchanged wherever bytes may pass, and are refused clearly where they may not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf, valueOf } from '../builders/lua-program.ts';
import { withEngine } from '../builders/sandbox-engine.ts';

const samples: readonly Uint8Array[] = [
  Buffer.from('a\0b'),
  Buffer.from('\0'),
  Buffer.from('\0\0\0'),
  Buffer.from([0xff]),
  Buffer.from([0xff, 0xfe, 0x00, 0x61]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0xe2, 0x82]),
  Buffer.from('ü€😀'),
  Buffer.from('\ufeffmark'),
  Buffer.from([...Array(256).keys()]),
  Buffer.alloc(100_000, 0),
];

function bytesOf(value: unknown): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array);
}

describe('bytes', () => {
  test('pass unchanged as arguments, results, table values and through host functions; keys of tables must be UTF-8', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood(`return function(s)
        local back = test.echo(s)
        local ok, keyed = pcall(test.echo, { [s] = s })
        if ok then keyed = keyed[s] == s else keyed = utf8.len(s) == nil and keyed:find("key of the table is not valid UTF%-8") ~= nil end
        local waited = test.soon(s)
        return s, #s, test.bytes(s), back == s, keyed, waited == s, { s }
      end`);
      for (const sample of samples) {
        const result = await hook.call([new Uint8Array(sample)]);
        assert.equal(result.kind, 'ok', JSON.stringify(result).slice(0, 300));
        const [same, length, hostLength, echoed, keyed, waited, list] = result.values;
        assert.deepEqual(bytesOf(same), Buffer.from(sample));
        assert.deepEqual([length, hostLength, echoed, keyed, waited], [sample.length, sample.length, true, true, true]);
        assert.deepEqual(bytesOf((list as unknown[])[0]), Buffer.from(sample));
      }
      await checkNeighbour();
    }));

  test('are a string of JavaScript exactly where they are valid UTF-8', () =>
    withEngine(async ({ loadGood }) => {
      const hook = await loadGood('return function(s) return s end');
      for (const sample of samples) {
        const value = valueOf(await hook.call([new Uint8Array(sample)]));
        const valid = Buffer.from(Buffer.from(sample).toString('utf8')).equals(Buffer.from(sample));
        assert.equal(typeof value, valid ? 'string' : 'object');
      }
    }));

  test('text that is wanted as UTF-8 is refused when it is not', () =>
    withEngine(async ({ run }) => {
      const result = await run(
        'return function() local ok, e = pcall(test.text, "\\xff") return ok, e, test.text("a\\0\\u{20AC}") end',
      );
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      assert.equal(result.values[0], false);
      assert.match(textOf(result.values[1]), /bad argument #1 to .*UTF-8/);
      assert.equal(result.values[2], 'a\0€');
    }));

  test('a lone surrogate given by the host does not end the process or become two strings', () =>
    withEngine(async ({ run, checkNeighbour }) => {
      const result = await run('return function(s) return #s, utf8.len(s) end', ['a\ud800b']);
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      await checkNeighbour();
    }));
});

describe('zero and invalid bytes in names', () => {
  const odd = [
    'a\0b',
    '\0',
    'with space',
    '\n',
    'ü',
    'quote\'"',
    '%s%n',
    '-- comment',
    ']]',
    '../../x',
    'x'.repeat(10_000),
  ];

  for (const name of odd) {
    test(`${JSON.stringify(name.slice(0, 20))} as handler, module, env and expression name`, () =>
      withEngine(async ({ load, checkNeighbour }) => {
        const quoted = [...Buffer.from(name)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
        const hook = await load(
          `local ok, m = pcall(require, "${quoted}") return { ["${quoted}"] = function() return ok and m, env["${quoted}"] end }`,
          { modules: { [name]: 'return "module"' }, env: { [name]: 'value' }, expressions: { [name]: '1 + 1' } },
        );
        if (hook.result.ok) {
          const result = await hook.call([], { target: { handler: name } });
          assert.deepEqual(result.kind === 'ok' ? result.values : result, ['module', 'value']);
          assert.equal(valueOf(await hook.call([], { target: { expression: name } })), 2);
        } else assert.ok(hook.result.mistakes.length > 0);
        const missing = await hook.call([], { target: { handler: `${name}-missing` } });
        assert.equal(missing.kind, 'error');
        await checkNeighbour();
      }));
  }

  test('source with zero bytes, invalid UTF-8 or a byte order mark compiles or is refused at its place', () =>
    withEngine(async ({ load, checkNeighbour }) => {
      const zero = await load('return function()\n  local x = 1\0 + 2\nend');
      assert.equal(zero.result.ok, false);
      assert.equal(zero.result.mistakes[0]?.line, 2);
      const inString = await load('return function() return #"a\0b" end');
      assert.ok(inString.result.ok, JSON.stringify(inString.result));
      assert.equal(valueOf(await inString.call()), 3);
      const broken = await load('return function() return \ud800 end');
      assert.equal(broken.result.ok, false);
      await checkNeighbour();
    }));

  test('logs keep their lines whatever the bytes', () =>
    withEngine(async ({ run }) => {
      const result = await run('return function() print("a\\0b", "\\xff", "line\\nbreak", "\\27[31mred") return 1 end');
      assert.equal(result.usage.log.length, 1);
      assert.equal(typeof result.usage.log[0]?.message, 'string');
      assert.match(result.usage.log[0]?.message ?? '', /^a\0b\t/);
    }));
});

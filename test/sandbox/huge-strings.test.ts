/** Strings of extreme sizes: refused or ended within the limits, never a trap, a stall or a wrong length. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valueOf } from '../builders/lua-program.ts';
import { threadClock, withEngine } from '../builders/sandbox-engine.ts';

const mebibyte = 1024 * 1024;
const sizes = [
  '0x7fffffff',
  '0x80000000',
  '0xffffffff',
  '0x100000000',
  '1 << 40',
  '1 << 62',
  'math.maxinteger',
  '1e15',
  '1e18',
];
const uses: readonly (readonly [string, string])[] = [
  ['string.rep of one byte', '("x"):rep(n)'],
  ['string.rep of many bytes', '("abcdefgh"):rep(n)'],
  ['string.rep with a separator', '("x"):rep(n, "yy")'],
  ['string.rep of nothing with a separator', '(""):rep(n, "yy")'],
  ['string.format with a width', '("%" .. string.format("%.0f", n) .. "d"):format(1)'],
  ['string.pack of a fixed size', '("c" .. string.format("%.0f", n)):pack("x")'],
  ['string.pack with alignment', '("!" .. string.format("%.0f", n) .. "i8"):pack(1)'],
  ['table.concat of a long range', 'table.concat({}, "x", 1, n)'],
  ['string.sub', '("x"):sub(n, n)'],
  ['string.byte', '("x"):byte(n, n)'],
  ['utf8.char', 'utf8.char(n)'],
  ['utf8.offset', 'utf8.offset("x", n)'],
  ['string.find from there', '("x"):find("x", n)'],
  ['string.unpack from there', '("i1"):unpack("x", n)'],
  ['select', 'select(n, 1)'],
  ['math.random', 'math.random(n)'],
];

describe('extreme sizes', () => {
  for (const [name, expression] of uses) {
    test(`given to ${name} end within the limits`, () =>
      withEngine(async ({ loadGood, checkNeighbour }) => {
        const hook = await loadGood(
          `return function(which)
            local sizes = { ${sizes.join(', ')} }
            local n = which > 0 and (math.tointeger(sizes[which]) or sizes[which]) or 3
            local ok, value = pcall(function() return ${expression} end)
            return ok, type(value)
          end`,
          { limits: { cpuMs: 50 } },
        );
        assert.equal((await hook.call([0])).kind, 'ok', 'control: a small size is taken');
        for (let which = 1; which <= sizes.length; which += 1) {
          const started = threadClock();
          const result = await hook.call([which]);
          assert.ok(['ok', 'memory', 'cpu'].includes(result.kind), `${sizes[which - 1]}: ${JSON.stringify(result)}`);
          assert.ok(threadClock() - started < 250, `${sizes[which - 1]} took ${threadClock() - started} ms`);
        }
        await checkNeighbour();
      }));
  }
});

describe('long strings', () => {
  test('cross in both directions byte for byte, up to the caps', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood('return function(s) return #s, s end');
      for (const length of [0, 1, 39, 40, 41, 65_535, 65_536, mebibyte, 3 * mebibyte]) {
        const text = Buffer.alloc(length, 'abcdefghij').toString();
        const result = await hook.call([text]);
        assert.deepEqual(result.kind === 'ok' ? [result.values[0], result.values[1] === text] : result, [length, true]);
      }
      await checkNeighbour();
    }));

  test('above the cap of a result are a clear error', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood('return function(n) return ("x"):rep(n) end', { limits: { resultBytes: 100_000 } });
      assert.equal((valueOf(await hook.call([90_000])) as string).length, 90_000, 'control');
      const result = await hook.call([110_000]);
      assert.equal(result.kind, 'error', result.kind);
      assert.match(result.error.message, /larger than [\d.]+ [KM]iB/);
      const many = await hook.call([50_000]);
      assert.equal(many.kind, 'ok');
      const table = await loadGood(
        'return function() local s, t = ("x"):rep(20000), {} for i = 1, 10 do t[i] = s end return t end',
        { limits: { resultBytes: 100_000 } },
      );
      assert.equal((await table.call()).kind, 'error');
      await checkNeighbour();
    }));

  test('as arguments larger than the memory of the call end it as memory', () =>
    withEngine(async ({ loadGood, checkNeighbour }) => {
      const hook = await loadGood('return function(s) return #s end', { limits: { memoryBytes: 2 * mebibyte } });
      assert.equal(valueOf(await hook.call(['x'.repeat(mebibyte)])), mebibyte, 'control');
      const result = await hook.call(['x'.repeat(8 * mebibyte)]);
      assert.equal(result.kind, 'memory', JSON.stringify(result).slice(0, 200));
      await checkNeighbour();
    }));

  test('as source code are refused or compiled within the limits', () =>
    withEngine(async ({ load, checkNeighbour }) => {
      for (const code of [
        `return function() return "${'x'.repeat(mebibyte)}" end`,
        `return function() return { ${'1,'.repeat(200_000)} } end`,
        `--${'-'.repeat(4 * mebibyte)}\nreturn function() end`,
        `return function() ${'local x = 1 do end '.repeat(100)} end`,
        `local ${'a'.repeat(mebibyte)} = 1 return function() end`,
        `return function() ${'f('.repeat(50_000)}`,
        '\n'.repeat(3_000_000),
      ]) {
        const started = threadClock();
        const { result } = await load(code, { limits: { cpuMs: 2000 } });
        assert.ok(result.ok || result.mistakes.length > 0);
        assert.ok(threadClock() - started < 3000);
        await checkNeighbour();
      }
    }));
});

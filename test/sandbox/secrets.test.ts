/** Secrets of the host and of other functions appear in no error, traceback, log, record or result. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { everythingIn, textOf, valueOf } from '../builders/lua-program.ts';
import { hostSecret, withEngine } from '../builders/sandbox-engine.ts';

const envSecret = 'ENV-SECRET-4b1d77aa';
const env = { TOKEN: envSecret };

/** Ends of every kind of a function that knows a secret and does not tell it. */
const ends: readonly (readonly [string, string])[] = [
  ['an error of the script', 'error("failed")'],
  ['an error about the value', 'return env.TOKEN.x.y'],
  ['arithmetic with the value', 'return env.TOKEN + 1'],
  ['a call of the value', 'return env.TOKEN()'],
  ['a comparison with the value', 'return env.TOKEN < 1'],
  ['a concatenation with nothing', 'return env.TOKEN .. nil'],
  ['an index of env that does not exist', 'return env.MISSING.x'],
  ['a write to env', 'env.TOKEN = "x"'],
  ['a wrong argument that is the value', 'return test.text({}, env.TOKEN)'],
  ['a value as a number argument', 'return test.sleep(env.TOKEN)'],
  ['a value as a number for a library', 'return ("x"):rep(env.TOKEN)'],
  ['a value as a format', 'return string.format("%d", env.TOKEN)'],
  ['a value as a module name that is asserted', 'local ok = pcall(require, env.TOKEN) assert(ok)'],
  ['a defect of the host', 'return test.broken(env.TOKEN)'],
  ['a defect of the host after waiting', 'return test.fails(env.TOKEN)'],
  ['a traceback', 'local function f(secret) return debug.traceback("here") end error(f(env.TOKEN))'],
  [
    'a deep traceback',
    'local function f(secret, n) if n == 0 then error("deep") end return f(secret, n - 1) or 1 end f(env.TOKEN, 50)',
  ],
  ['an error in a coroutine that holds it', 'coroutine.wrap(function(secret) error("in coroutine") end)(env.TOKEN)'],
  ['the end of the CPU time', 'local s = env.TOKEN while true do end'],
  ['the end of the memory', 'local s, t = env.TOKEN, {} while true do t[#t + 1] = s .. #t end'],
  ['the end of the time', 'local s = env.TOKEN test.never(s)'],
];

describe('secrets in env', () => {
  for (const [name, code] of ends) {
    test(`do not show in ${name}`, () =>
      withEngine(async ({ run, checkNeighbour }) => {
        const result = await run(`return function() ${code} end`, [], { env, limits: { cpuMs: 30, timeoutMs: 60 } });
        assert.notEqual(result.kind, 'ok');
        const text = everythingIn(result);
        assert.ok(!text.includes(envSecret), text.slice(0, 500));
        assert.ok(!text.includes(hostSecret));
        await checkNeighbour();
      }));
  }

  test('do not show in mistakes found while loading', () =>
    withEngine(async ({ load }) => {
      for (const [name, code] of ends) {
        const { result } = await load(`${code} return function() end`, { env, limits: { cpuMs: 30 } });
        if (result.ok) continue;
        const text = everythingIn(result);
        assert.ok(!text.includes(envSecret), `${name}: ${text}`);
      }
      const syntax = await load('return function( end', { env });
      assert.equal(syntax.result.ok, false);
      assert.ok(!everythingIn(syntax.result).includes(envSecret));
    }));

  test('are seen by the function they are given to and by no other', () =>
    withEngine(async ({ loadGood }) => {
      const reader =
        'return function() local all = {} for k, v in pairs(env) do all[#all + 1] = k .. "=" .. v end return table.concat(all, ",") end';
      const owner = await loadGood(reader, { env, name: 'owner' });
      const neighbour = await loadGood(reader, { name: 'other', env: { OWN: '1' } });
      const stranger = await loadGood(reader, { name: 'owner', namespace: 'team-c' });
      for (let round = 0; round < 5; round += 1) {
        assert.equal(valueOf(await owner.call()), `TOKEN=${envSecret}`, 'control: the owner sees it');
        assert.equal(valueOf(await neighbour.call()), 'OWN=1');
        assert.equal(valueOf(await stranger.call()), '');
      }
    }));

  test('control: a secret that a script tells is found by the same search', () =>
    withEngine(async ({ run }) => {
      for (const code of [
        'error(env.TOKEN)',
        'print(env.TOKEN) error("x")',
        'error({ message = "x", detail = env.TOKEN })',
      ]) {
        const result = await run(`return function() ${code} end`, [], { env });
        assert.ok(everythingIn(result).includes(envSecret), code);
      }
    }));
});

describe('secrets of the host', () => {
  test('do not come out of defects of host functions, and the defect is reported to the host', () =>
    withEngine(async ({ run, defects }) => {
      const result = await run(`return function()
        local out = {}
        for _, f in ipairs({ test.broken, test.fails }) do
          local ok, e = pcall(f)
          out[#out + 1] = tostring(ok) .. ":" .. tostring(e)
          local handled = select(2, xpcall(f, debug.traceback))
          out[#out + 1] = tostring(handled)
        end
        return table.concat(out, "\\n")
      end`);
      const text = textOf(valueOf(result));
      assert.match(text, /internal error in 'test\.broken'/);
      assert.ok(!text.includes(hostSecret) && !text.includes('.ts'));
      assert.ok(
        defects.some((defect) => String(defect).includes(hostSecret)),
        'control: the host itself learns what happened',
      );
    }));
});

/** Lua 5.4 as this engine runs it: every module in `lua/` through the real path, with fuel and limits on, plain and sliced. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createEngine } from '../../src/lua/engine.ts';
import { meterLua } from '../../src/lua/metering.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import { load, program, valueOf, type Loaded } from '../builders/lua-program.ts';

const folder = join(import.meta.dirname, 'lua');
const checkModule = readFileSync(join(folder, 'check.lua'), 'utf8');
const files = readdirSync(folder).filter((name) => name.endsWith('.lua') && name !== 'check.lua');
const limits = { cpuMs: 5000, timeoutMs: 60_000 };
/** Keeps a thread longer than a plain entry may: from then on the function runs in slices. */
const burn = `
local burn = function() local until_ = os.clock() + 0.03 repeat until os.clock() > until_ return 0 end`;

/** Names of the cases: keys of the table given to `check.suite`. */
function caseNames(source: string): string[] {
  return [...source.matchAll(/^ {2}(\w+) = function\(\)$/gm)].map((match) => match[1] ?? '');
}

function withBurn(source: string): string {
  return source.replace(/^return check\.suite\(\{/m, `${burn}\nreturn check.suite({\n  burn = burn,`);
}

/** A case must end well and must have asserted something. */
async function runCase(loaded: Loaded<undefined>, name: string): Promise<void> {
  const result = loaded.start([], { target: { handler: name } });
  const count = valueOf(await result);
  assert.equal(typeof count, 'number');
  assert.ok((count as number) > 0, `${name} asserts nothing`);
}

let engine: Engine<undefined>;
before(async () => {
  engine = createEngine<undefined>({
    module: await meterLua(),
    environment: { functions: [], preludes: [], requirable: new Map() },
  });
});
after(() => engine.close());

for (const file of files) {
  const source = readFileSync(join(folder, file), 'utf8');
  const names = caseNames(source);

  describe(`Lua: ${file.replace(/\.lua$/, '').replaceAll('-', ' ')}`, () => {
    test('every case is a handler', async () => {
      const loaded = await load(engine, program(source, { limits, modules: { check: checkModule } }), undefined);
      assert.ok(loaded.result.ok, JSON.stringify(loaded.result));
      assert.deepEqual(loaded.result.handlers.toSorted(), names.toSorted());
      assert.ok(names.length >= 5);
    });

    for (const name of names) {
      test(name.replaceAll('_', ' '), async () => {
        const loaded = await load(engine, program(source, { limits, modules: { check: checkModule } }), undefined);
        await runCase(loaded, name);
        await runCase(loaded, name);
      });
    }

    test('all of it in slices', async () => {
      const loaded = await load(
        engine,
        program(withBurn(source), { limits, modules: { check: checkModule } }),
        undefined,
      );
      assert.ok(loaded.result.ok, JSON.stringify(loaded.result));
      // In a turn that nobody has had: else it would wait for its own, in slices from the start, and mark nothing.
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(valueOf(await loaded.call([], { target: { handler: 'burn' } })), 0);
      for (const name of names) {
        const running = loaded.start([], { target: { handler: name } });
        assert.ok(running instanceof Promise, `${name} was not sliced`);
        assert.ok((valueOf(await running) as number) > 0, `${name} asserts nothing`);
      }
    });
  });
}

describe('the runner of the conformance tests', () => {
  async function outcome(body: string): Promise<Loaded<undefined>> {
    const source = `local check = require("check")\nreturn check.suite({ case = function() ${body} end })`;
    return load(engine, program(source, { limits, modules: { check: checkModule } }), undefined);
  }

  test('refuses a case that asserts nothing', async () => {
    const loaded = await outcome('local x = 1');
    await assert.rejects(runCase(loaded, 'case'), /asserts nothing/);
  });

  test('notices a wrong value, a wrong subtype, a missing error and a wrong message', async () => {
    for (const body of [
      'check.equal(1, 2)',
      'check.equal(1, 1.0)',
      'check.equal(0.0, -0.0)',
      'check.equal("a", "b")',
      'check.results({ 1 }, 1, 2)',
      'check.raises("text", function() end)',
      'check.raises("text", error, "other")',
      'check.malformed("near", "return 1")',
      'check.truth(nil)',
      'check.falsehood(0)',
    ]) {
      const loaded = await outcome(body);
      await assert.rejects(runCase(loaded, 'case'), /expected/, body);
    }
  });
});

/** The official Lua tests, as a third party carries them, through the real engine: the same results but for the listed ones. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import type { CallResult } from '../../src/lua/types.ts';
import { threadClock, withEngine } from '../builders/sandbox-engine.ts';
import { differences, notOfThisLua, type Places } from './third-party-differences.ts';
import { readThirdPartySuite, type Snippet } from './third-party-suite.ts';

const suite = readThirdPartySuite();
const limits = { cpuMs: 60_000, timeoutMs: 120_000, memoryBytes: 256 * 1024 * 1024 };
const runner = `return function(source)
  local chunk, message = load(source, "=snippet")
  if not chunk then error(message, 0) end
  chunk()
  return "passed"
end`;

/** Numbers of a file's snippets that do not pass, each with how it ended. */
async function failuresOf(snippets: readonly Snippet[]): Promise<ReadonlyMap<number, string>> {
  const failures = new Map<number, string>();
  await withEngine(
    async ({ loadGood }) => {
      const loaded = await loadGood(runner, { limits });
      for (const { number, code } of snippets) {
        const result: CallResult = await loaded.call([code]);
        if (result.kind !== 'ok') failures.set(number, 'error' in result ? result.error.message : result.kind);
      }
    },
    { clock: threadClock },
  );
  return failures;
}

const listed = (file: string): number[] =>
  [notOfThisLua, ...differences.map(({ snippets }) => snippets)]
    .flatMap((places: Places) => places[file] ?? [])
    .sort((a, b) => a - b);

describe('the third-party suite', () => {
  test('is whole: what it has of each file', () => {
    assert.equal(suite.size, 22);
    assert.equal(
      [...suite.values()].reduce((sum, snippets) => sum + snippets.length, 0),
      362,
    );
  });

  for (const [file, snippets] of suite) {
    test(`${file}: all pass but the listed ones, and those for the listed reason`, async () => {
      const failures = await failuresOf(snippets);
      assert.deepEqual([...failures.keys()], listed(file), JSON.stringify([...failures]));
      for (const { reason, error, snippets: places } of differences) {
        for (const number of places[file] ?? [])
          assert.match(failures.get(number) ?? '', error, `${number}: ${reason}`);
      }
    });
  }

  test('control: a snippet that asserts what is not so, or does not parse, does not pass', async () => {
    const failures = await failuresOf([
      { number: 1, code: 'assert(1 == 1)' },
      { number: 2, code: 'assert(1 == 2)' },
      { number: 3, code: 'local = 1' },
    ]);
    assert.deepEqual([...failures.keys()], [2, 3]);
  });

  // Without the program there is no output at all.
  const version = String(spawnSync('lua5.4', ['-v']).stdout);
  const skip = version.includes('Lua 5.4.4') ? false : 'stock Lua 5.4.4 (`lua5.4`) is not installed';
  test('stock Lua 5.4.4 passes all of it but what is listed as not of this Lua', { skip }, () => {
    const script = 'local f, m = load(io.read("a"), "=snippet") if not f then error(m, 0) end f()';
    for (const [file, snippets] of suite) {
      const failed = snippets.filter(
        ({ code }) => spawnSync('lua5.4', ['-e', script], { input: code, cwd: tmpdir(), timeout: 60_000 }).status !== 0,
      );
      assert.deepEqual(
        failed.map(({ number }) => number),
        notOfThisLua[file] ?? [],
        file,
      );
    }
  });
});

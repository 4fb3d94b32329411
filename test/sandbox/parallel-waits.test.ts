/** Branches of `parallel` wait for the host like any coroutine: nobody answers, closes or repeats their waits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gives, withEngine } from '../builders/sandbox-engine.ts';

// Branches start in order: the first one waits when the others begin.
describe('a branch that waits for the host', () => {
  gives(
    'cannot be answered by another branch that knows its coroutine',
    `return function()
      local other
      local a, b, c = parallel(
        function() other = coroutine.running() return test.sleep(5, "true answer") end,
        function() return select(2, coroutine.resume(other, "forged")) end,
        function() return coroutine.status(other) end
      )
      return a, b, c, coroutine.status(other)
    end`,
    ['true answer', 'cannot resume non-suspended coroutine', 'normal', 'dead'],
  );

  gives(
    'cannot be closed by another branch, so that its answer would be left over',
    `return function()
      local other
      local a, b = parallel(
        function() other = coroutine.running() return test.sleep(5, "true answer") end,
        function() return select(2, pcall(coroutine.close, other)) end
      )
      return a, (b:gsub("^.*: ", "")), test.soon("still works")
    end`,
    ['true answer', 'cannot close a normal coroutine', 'still works'],
  );

  gives(
    'control: a coroutine that waits for the script itself may be resumed and closed by another branch',
    `return function()
      local co = coroutine.create(function() return coroutine.yield("mine") end)
      coroutine.resume(co)
      local a = parallel(function() test.soon(1) return select(2, coroutine.resume(co, "answer")) end)
      return a, coroutine.close(co), coroutine.status(co)
    end`,
    ['answer', true, 'dead'],
  );
});

const wide = (spin: string): string => `return function()
  local branches = {}
  for i = 1, 15 do branches[i] = function() return test.sleep(60, i) end end
  branches[16] = function()
    test.sleep(5)
    local _, sum = parallel(
      function() return test.sleep(60, "last") end,
      function()
        local x = 0
        ${spin}
        test.see("once")
        return x
      end
    )
    return sum
  end
  local results = table.pack(parallel(table.unpack(branches)))
  return results[15], results[16]
end`;

describe('a call that turns out to be long', () => {
  for (const [name, spin, expected] of [
    [
      'with as many waits under way as it may have is run again with the same answers',
      'for i = 1, 3000000 do x = x + i % 2 end',
      1_500_000,
    ],
    ['control: the same call that is short ends the same', '', 0],
  ] as const) {
    test(name, () =>
      withEngine(async ({ run, context, checkNeighbour }) => {
        const result = await run(wide(spin));
        assert.deepEqual(result.kind === 'ok' ? result.values : result, [15, expected]);
        assert.equal(result.usage.hostCalls.length, 17, 'no operation was started twice');
        assert.ok(context.seen.length >= 1);
        await checkNeighbour();
      }),
    );
  }
});

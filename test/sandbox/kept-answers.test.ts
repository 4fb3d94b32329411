/** Answers of the host that a call has done with: kept so that it can be run again, they must not outgrow its memory. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEngine } from '../../src/lua/engine.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import type { CallResult, HostFunction, LuaInput } from '../../src/lua/types.ts';
import { load, program, type CallParts } from '../builders/lua-program.ts';
import { meteredModule } from '../builders/sandbox-engine.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const answerBytes = 200_000;
const MiB = 1024 * 1024;

interface Answers {
  readonly given: WeakRef<Uint8Array>[];
  randomBytes: number;
}

function answer({ given }: Answers): Uint8Array {
  const bytes = new Uint8Array(answerBytes).fill(120);
  given.push(new WeakRef(bytes));
  return bytes;
}

async function alive({ given }: Answers): Promise<number> {
  // Whoever was asked for in this turn stays until its end.
  await new Promise((resolve) => void setTimeout(resolve, 0));
  collect();
  return given.filter((each) => each.deref() !== undefined).length;
}

const functions: readonly HostFunction<Answers>[] = [
  { kind: 'waiting', name: 'test.plain', atLoad: false, run: async (_args, call) => answer(call.context) },
  {
    kind: 'waiting',
    name: 'test.nested',
    atLoad: false,
    run: async (_args, call): Promise<LuaInput> => ({ list: [new Map([['body', answer(call.context)]])] }),
  },
  { kind: 'waiting', name: 'test.alive', atLoad: false, run: async (_args, call) => alive(call.context) },
  { kind: 'waiting', name: 'test.tick', atLoad: false, run: async () => undefined },
  {
    kind: 'direct',
    name: 'test.random',
    atLoad: false,
    run(_args, call) {
      call.context.randomBytes += 4096;
      return call.randomBytes(4096).length;
    },
  },
];

suite('answers of the host', () => {
  let engine: Engine<Answers>;
  before(async () => {
    const environment = { functions, preludes: [], requirable: new Map<string, string>() };
    engine = createEngine<Answers>({
      module: await meteredModule(),
      environment,
      onDefect: (error) => assert.fail(String(error)),
    });
  });
  after(() => engine.close());

  async function run(code: string, parts: CallParts<Answers> = {}): Promise<{ result: CallResult; answers: Answers }> {
    const answers: Answers = { given: [], randomBytes: 0 };
    const loaded = await load(engine, program(code), answers);
    assert.equal(loaded.result.ok, true, JSON.stringify(loaded.result));
    return { result: await loaded.call([], parts), answers };
  }
  const asks = (name: string): string =>
    `return function() for i = 1, 90 do assert(test.${name}()) end return test.alive() end`;

  for (const name of ['plain', 'nested']) {
    test(`are given up when the call has done with them (${name}), and not counted any more`, async () => {
      const { result, answers } = await run(asks(name));
      assert.equal(result.kind, 'ok', JSON.stringify(result));
      const left = result.kind === 'ok' ? Number(result.values[0]) : -1;
      assert.equal(answers.given.length, 90);
      assert.ok(left * answerBytes < 2 * MiB, `${left} of 90 answers are kept`);
    });
  }

  test('count against the memory of a call that has to keep them', async () => {
    const { result } = await run(asks('plain'), { record: true });
    assert.equal(result.kind, 'memory', 'control: they are counted as long as they are kept');
  });

  test('random bytes count as what they are while they are kept, and are kept by no long call', async () => {
    const code = `return function() for i = 1, 90 do for j = 1, 100 do test.random() end test.tick() end return 1 end`;
    const kept = await run(code, { record: true });
    assert.equal(kept.result.kind, 'memory');
    assert.ok(
      kept.answers.randomBytes > 10 * MiB && kept.answers.randomBytes < 20 * MiB,
      String(kept.answers.randomBytes),
    );
    const { result, answers } = await run(code);
    assert.equal(result.kind, 'ok', JSON.stringify(result));
    assert.ok(answers.randomBytes > 30 * MiB);
    assert.ok(result.usage.memoryPeakBytes < 4 * MiB, String(result.usage.memoryPeakBytes));
  });
});

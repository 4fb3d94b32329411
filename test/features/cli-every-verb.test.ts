/** What every verb of the command has in common: exit codes, what is said where, and what stands on standard output. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/create-program.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import type { VerbOutcome } from '../builders/verb-outcomes.ts';

/** Something fit for each argument that must be there. */
const samples: Readonly<Record<string, string>> = {
  name: 'x',
  function: 'a/b',
  type: 'com.acme.order',
  'id-or-function': 'call-1',
  subject: 'a/b',
  space: 'a/b',
  key: 'k',
  value: '1',
  from: 'gone.db',
  to: 'copy.db',
  store: 'gone.db',
  subscription: 'whs/a',
  capture: 'gone.json',
};
/** Go on until they are stopped, or open something: only what is wrong about their usage is asked. */
const lasting = new Set(['dev', 'console', 'controller', 'runtime', 'new']);
/** Need no run; the others answer `notRunning` where there is none. */
const alone: Readonly<Record<string, number>> = {
  check: exitCodes.ok,
  receivers: exitCodes.ok,
  version: exitCodes.ok,
  verify: exitCodes.unusable,
  'store copy': exitCodes.unusable,
  'store adopt': exitCodes.unusable,
  // Say first what is missing in what was typed, or that a local run has no such thing.
  replay: exitCodes.unusable,
  cancel: exitCodes.unusable,
  refresh: exitCodes.unusable,
};

interface Verb {
  readonly path: readonly string[];
  readonly command: Command;
}

function verbsBelow(parent: Command, path: readonly string[] = []): readonly Verb[] {
  return parent.commands.flatMap((command) => {
    const own = [...path, command.name()];
    return [{ path: own, command }, ...verbsBelow(command, own)];
  });
}

/** Runs them where no run is, with nothing on standard input. */
function outcomesOf(lines: readonly (readonly string[])[]): Promise<readonly VerbOutcome[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'moonhook-verbs-'));
  const script = join(import.meta.dirname, '..', 'builders', 'verb-outcomes.ts');
  const { MOONHOOK_DATA_DIR: _, ...environment } = process.env;
  const env = { ...environment, KUBECONFIG: '/dev/null/none' };
  return new Promise((resolve, reject) => {
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(process.execPath, [script], options, (error, stdout) => {
      rmSync(cwd, { recursive: true, force: true });
      if (error === null) resolve(JSON.parse(stdout) as VerbOutcome[]);
      else reject(error);
    });
    child.stdin?.end(JSON.stringify(lines));
  });
}

const verbs = verbsBelow(await createProgram());
const leaves = verbs.filter(({ command }) => command.commands.length === 0);
const givenTo = ({ path, command }: Verb): readonly string[] => [
  ...path,
  ...command.registeredArguments
    .filter(({ required }) => required)
    .map((argument) => samples[argument.name()] ?? assert.fail(`no sample for <${argument.name()}>`)),
];
const takesOutput = ({ command }: Verb): boolean => command.options.some(({ long }) => long === '--output');

async function each(
  chosen: readonly Verb[],
  line: (verb: Verb) => readonly string[],
  look: (outcome: VerbOutcome, verb: Verb) => void,
): Promise<void> {
  const outcomes = await outcomesOf(chosen.map(line));
  assert.equal(outcomes.length, chosen.length);
  assert.ok(chosen.length > 0);
  for (const [index, outcome] of outcomes.entries()) look(outcome, chosen[index] ?? assert.fail());
}

const said = ({ args, exitCode, stdout, stderr }: VerbOutcome): string =>
  `${args.join(' ')} → ${exitCode}\n${stdout}${stderr}`;

test('an unknown option is wrong usage everywhere, and the verb that has the options is named', async () => {
  await each(
    leaves,
    (verb) => [...givenTo(verb), '--no-such-option'],
    (outcome, { path }) => {
      assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCodes.unusable, ''], said(outcome));
      assert.match(outcome.stderr, /^error: unknown option '--no-such-option'\n/);
      assert.ok(outcome.stderr.includes(`(\`moonhook ${path.join(' ')} --help\` shows its options)`), said(outcome));
    },
  );
});

test('an argument that is missing or too many is wrong usage everywhere', async () => {
  const needing = leaves.filter(({ command }) => command.registeredArguments.some(({ required }) => required));
  await each(
    needing,
    ({ path }) => path,
    (outcome) => {
      assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCodes.unusable, ''], said(outcome));
      assert.match(outcome.stderr, /^error: missing required argument '/);
    },
  );
  const bounded = leaves.filter(({ command }) => !command.registeredArguments.some(({ variadic }) => variadic));
  await each(
    bounded,
    ({ path }) => [...path, '1', '2', '3', '4', '5', '6'],
    (outcome) => {
      assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCodes.unusable, ''], said(outcome));
      assert.match(outcome.stderr, /^error: too many arguments for '/);
    },
  );
});

test('a format that is unknown or missing is wrong usage everywhere, and the known ones are named', async () => {
  const chosen = leaves.filter(takesOutput);
  for (const format of [['-o', 'jsn'], ['-o']]) {
    await each(
      chosen,
      (verb) => [...givenTo(verb), ...format],
      (outcome) => {
        assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCodes.unusable, ''], said(outcome));
        assert.match(outcome.stderr, /^moonhook: --output knows .*json|^error: option '-o, --output <format>'/);
      },
    );
  }
});

test('with -o json standard output holds one JSON value or nothing, and what is wrong has its exit code', async () => {
  const chosen = leaves.filter((verb) => takesOutput(verb) && !lasting.has(verb.path[0] ?? ''));
  await each(
    chosen,
    (verb) => [...givenTo(verb), '-o', 'json'],
    (outcome, { path }) => {
      const expected = alone[path.join(' ')] ?? exitCodes.notRunning;
      assert.equal(outcome.exitCode, expected, said(outcome));
      assert.ok(outcome.stdout !== '' || outcome.stderr.startsWith('moonhook: '), said(outcome));
      if (outcome.stdout !== '') assert.doesNotThrow(() => JSON.parse(outcome.stdout) as unknown, said(outcome));
      if (expected === exitCodes.notRunning) assert.match(outcome.stderr, /no `moonhook dev` is running/);
    },
  );
});

test('help is on standard output and no mistake; a verb of verbs alone, or an unknown one, is wrong usage', async () => {
  await each(
    verbs,
    ({ path }) => [...path, '--help'],
    (outcome, { path }) => {
      assert.deepEqual([outcome.exitCode, outcome.stderr], [exitCodes.ok, ''], said(outcome));
      assert.ok(outcome.stdout.startsWith(`Usage: moonhook ${path.join(' ')} `), said(outcome));
    },
  );
  const groups = verbs.filter(({ command }) => command.commands.length > 0);
  const lines = [[], ['chekc'], ...groups.flatMap(({ path }) => [path, [...path, 'chekc']])];
  for (const outcome of await outcomesOf(lines)) {
    assert.deepEqual([outcome.exitCode, outcome.stdout], [exitCodes.unusable, ''], said(outcome));
    assert.match(
      outcome.stderr,
      outcome.args.includes('chekc') ? /^error: unknown command 'chekc'/ : /^Usage: moonhook/,
    );
  }
});

/** Every fenced block of the guide is run or checked: functions with their engine, commands as a user types them. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createProgram } from '../../src/cli/create-program.ts';
import { checkFolder } from '../../src/local/check-folder.ts';
import { formatDiagnostic } from '../../src/local/diagnostic.ts';
import { parseEnvFile } from '../../src/local/env-file.ts';
import { createLoadServer } from '../../src/local/load-server.ts';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { deliveryStates } from '../../src/store/store.ts';
import { linePattern, readFencedBlocks, splitCommand, type FencedBlock } from '../builders/read-markdown.ts';
import { runCli, startCli, type RunningCli } from '../builders/run-cli.ts';

const root = join(import.meta.dirname, '..', '..');
const guide = join(root, 'docs', 'guide');
const pages = readdirSync(guide).filter((name) => name.endsWith('.md'));
const bench = mkdtempSync(join(tmpdir(), 'moonhook-docs-'));
// One example names files beside it: those of the example folder.
cpSync(join(root, 'examples', 'signed-links', 'links.lua'), join(bench, 'links.lua'));
mkdirSync(join(bench, 'lib'));
cpSync(join(root, 'examples', 'signed-links', 'signature.lua'), join(bench, 'lib', 'signature.lua'));
after(() => {
  rmSync(bench, { recursive: true });
});

/** Errors; that a Secret of the reader's own is not here is a warning. */
async function mistakesOf(yaml: string): Promise<readonly string[]> {
  writeFileSync(join(bench, 'block.yaml'), yaml);
  const server = await createLoadServer((message) => assert.fail(message));
  const checked = await checkFolder({
    root: bench,
    files: ['block.yaml'],
    secrets: new Map(),
    policy: localPolicy('http://127.0.0.1:8080'),
    server,
    now: () => 0,
  });
  await server.close();
  assert.ok(checked.functions + checked.subscriptions > 0, 'the block holds no resource of ours');
  return checked.diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
}

function asFunction(lua: string): string {
  const code = lua.replaceAll(/^(?=.)/gm, '    ');
  return `apiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunction\nmetadata: { name: block }\nspec:\n  code: |\n${code}`;
}

const program = await createProgram();

/** Whether the verb and each of its options exist. */
function checkCommand(line: string): void {
  const [first, verb = '', ...rest] = splitCommand(line.replace(/\s#.*$/, ''));
  assert.equal(first, 'moonhook', line);
  const own = program.commands.find((each) => each.name() === verb);
  assert.ok(own, `there is no verb ${verb}`);
  const command = own.commands.find((each) => each.name() === rest[0]) ?? own;
  assert.ok(own.commands.length === 0 || command !== own, `${verb} has no part ${rest[0]}`);
  for (const word of rest.filter((each) => /^-[a-zA-Z-]/.test(each))) {
    assert.ok(
      command.options.some((option) => option.short === word || option.long === word),
      `${verb} has no option ${word}`,
    );
  }
}

/** Of the states of a delivery it shows each, and no other; of other pictures the kind is known to be drawn. */
function checkPicture(text: string): void {
  const [kind = '', ...lines] = text.trim().split('\n');
  assert.match(kind, /^(?:stateDiagram-v2|flowchart LR)$/);
  if (!kind.startsWith('state')) return;
  const shown = lines.flatMap((line) => /^ {2}(\S+) --> (\w+|\[\*\])/.exec(line)?.slice(1) ?? assert.fail(line));
  assert.deepEqual(new Set(shown.filter((state) => state !== '[*]')), new Set(deliveryStates));
}

const isChecked = ({ language, words }: FencedBlock): boolean =>
  !words.some((word) => word.startsWith('file=')) && language !== 'console';

for (const page of pages) {
  const blocks = readFencedBlocks(join(guide, page));
  test(`${page}: functions load, commands exist`, async (context) => {
    for (const block of blocks.filter(isChecked)) {
      await context.test(`line ${block.line}`, async () => {
        const kind = [block.language, ...block.words].join(' ');
        if (kind === 'yaml') assert.deepEqual(await mistakesOf(block.text), []);
        else if (kind === 'lua module') assert.deepEqual(await mistakesOf(asFunction(block.text)), []);
        else if (kind === 'sh') for (const line of block.text.trim().split('\n')) checkCommand(line);
        // Run for real in front of an API server: test/cluster/install.test.ts.
        else if (kind === 'sh cluster') assert.match(block.text, /^(?:helm|kubectl) /);
        // Run for real against the aggregated API: test/cluster/cli-cluster.test.ts.
        else if (kind === 'sh api') assert.match(block.text, /^(?:kubectl|moonhook) /);
        else if (kind === 'text env') assert.deepEqual(parseEnvFile('f', block.text).mistakes, []);
        else if (kind === 'mermaid') checkPicture(block.text);
        else if (kind === 'text diagnostics') {
          for (const line of block.text.trim().split('\n')) assert.match(line, /^\S+:\d+:\d+: (?:error|warning): \S/);
        } else assert.equal(kind, 'text terminal', 'no rule says how this block is checked');
      });
    }
  });
  if (blocks.some(({ language }) => language === 'console')) {
    test(`${page}: its session runs as it is printed`, async (context) => {
      await runSession(context, blocks);
    });
  }
}

/** One terminal for `moonhook dev`, one for everything else, in a folder of their own. */
async function runSession(context: TestContext, blocks: readonly FencedBlock[]): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'moonhook-guide-'));
  let dev: RunningCli | undefined;
  let publicUrl = '';
  let mark = 0;
  context.after(async () => {
    await dev?.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  });

  async function startDev(args: readonly string[]): Promise<string> {
    await dev?.stop('SIGINT');
    dev = startCli([...args, '--port', '0', '--call-port', '0', '--admin-port', '0'], { cwd });
    const line = await dev.output(/moonhook \S+ serves [^"]*ready in [\d.]+ s/);
    publicUrl = (await dev.output(/triggers {2}(http:\/\/127\.0\.0\.1:\d+)/)).replace('triggers  ', '');
    return `${line}\n`;
  }

  async function curl(args: readonly string[]): Promise<string> {
    const headers = new Headers();
    let [url = '', method, body]: (string | undefined)[] = [];
    for (let at = 0; at < args.length; at += 1) {
      const word = args[at] ?? '';
      const value = args[at + 1] ?? '';
      if (word === '-X') method = value;
      else if (word === '-d') body = value;
      else if (word === '-H') headers.set(value.split(': ')[0] ?? '', value.split(': ')[1] ?? '');
      else url = word;
      if (word.startsWith('-')) at += 1;
    }
    const answer = await fetch(url.replace('http://127.0.0.1:8080', publicUrl), {
      method: method ?? 'GET',
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return answer.text();
  }

  async function type(line: string): Promise<string> {
    const [command, ...args] = splitCommand(line);
    if (command === 'curl') return curl(args);
    assert.equal(command, 'moonhook', line);
    if (args[0] === 'dev') return startDev(args);
    const { stdout, stderr } = await runCli(args, { cwd });
    return `${stdout}${stderr}`;
  }

  for (const block of blocks) {
    const where = `line ${block.line}`;
    const file = block.words.find((word) => word.startsWith('file='))?.slice('file='.length);
    if (file !== undefined) {
      mark = dev?.mark() ?? 0;
      mkdirSync(dirname(join(cwd, file)), { recursive: true });
      writeFileSync(join(cwd, file), block.text);
      const served = dev !== undefined && file.startsWith('hooks/');
      if (served)
        await dev?.output(block.words.includes('broken') ? /keeps serving/ : /: (?:live in|does not serve)/, mark);
    } else if (block.words.includes('terminal')) {
      for (const line of block.text.trim().split('\n')) await dev?.output(linePattern(line), mark);
    } else if (block.language === 'console') {
      for (const part of block.text.split(/^(?=\$ )/m)) {
        const [command = '', ...expected] = part.trimEnd().split('\n');
        const until = Date.now() + patienceMs;
        for (;;) {
          const output = (await type(command.slice(2))).split('\n');
          const missing = missingLine(output, expected);
          if (missing === undefined) break;
          // What runs on its own may not have ended yet: who only looks, looks again.
          if (looking.test(command) && Date.now() < until) continue;
          assert.fail(`${where}: "${missing}" is not in what ${command} printed:\n${output.join('\n')}`);
        }
      }
    }
  }
}

const patienceMs = 30_000;
const looking = /^\$ moonhook (?:list|calls|logs|deliveries|describe|explain|kv (?:get|list)) /;

/** The first expected line that is not there in its order. */
function missingLine(output: readonly string[], expected: readonly string[]): string | undefined {
  let at = 0;
  for (const line of expected) {
    const found = output.slice(at).findIndex((each) => linePattern(line).test(each));
    if (found === -1) return line;
    at += found + 1;
  }
  return undefined;
}

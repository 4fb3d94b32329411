/** Every fenced block of the guide is checked: functions with their engine, commands with the program; sessions are typed. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createProgram } from '../../src/cli/create-program.ts';
import { checkFolder } from '../../src/local/check-folder.ts';
import { formatDiagnostic } from '../../src/local/diagnostic.ts';
import { parseEnvFile } from '../../src/local/env-file.ts';
import { createLoadServer } from '../../src/local/load-server.ts';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { deliveryStates } from '../../src/store/store.ts';
import { guide, hasSession } from '../builders/guide-session.ts';
import { readFencedBlocks, splitCommand, type FencedBlock } from '../builders/read-markdown.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = readdirSync(guide).filter((name) => name.endsWith('.md'));
const bench = mkdtempSync(join(tmpdir(), 'moonhook-docs-'));
// One example names files beside it: those of the example folder.
cpSync(join(root, 'examples', 'signed-links', 'links.lua'), join(bench, 'links.lua'));
mkdirSync(join(bench, 'lib'));
cpSync(join(root, 'examples', 'signed-links', 'signature.lua'), join(bench, 'lib', 'signature.lua'));
const server = await createLoadServer((message) => assert.fail(message));
after(async () => {
  await server.close();
  rmSync(bench, { recursive: true });
});

/** Errors; that a Secret of the reader's own is not here is a warning. */
async function mistakesOf(yaml: string): Promise<readonly string[]> {
  writeFileSync(join(bench, 'block.yaml'), yaml);
  const checked = await checkFolder({
    root: bench,
    files: ['block.yaml'],
    secrets: new Map(),
    policy: localPolicy('http://127.0.0.1:8080'),
    server,
    now: () => 0,
  });
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
}

test('each page with a session has a test that types it', () => {
  const typed = readdirSync(import.meta.dirname).flatMap((file) => /^session-(.+)\.test\.ts$/.exec(file)?.[1] ?? []);
  const printed = pages.filter((page) => hasSession(readFencedBlocks(join(guide, page))));
  assert.deepEqual(
    typed.map((name) => `${name}.md`),
    printed,
  );
});

test('an address with a question mark stands in quotes: zsh takes it for a pattern of file names', () => {
  const texts = ['README.md', 'CONTRIBUTING.md', ...pages.map((name) => join('docs', 'guide', name))];
  const bare = texts.flatMap((name) =>
    (readFileSync(join(root, name), 'utf8').match(/\bcurl .*/g) ?? [])
      .filter((line) => /https?:\/\/[^\s'"`]*\?/.test(line.replaceAll(/'[^']*'|"[^"]*"/g, '')))
      .map((line) => `${name}: ${line}`),
  );
  assert.deepEqual(bare, []);
});

/** Types the terminal session of a page of the guide, and finds in the output what the page prints. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { linePattern, readFencedBlocks, splitCommand, type FencedBlock } from './read-markdown.ts';
import { runCli, startCli, type RunningCli } from './run-cli.ts';

/** Where the pages of the guide stand. */
export const guide = join(import.meta.dirname, '..', '..', 'docs', 'guide');

/** Whether the page prints what a terminal shows. */
export function hasSession(blocks: readonly FencedBlock[]): boolean {
  return blocks.some(({ language }) => language === 'console');
}

/** One terminal for `moonhook dev`, one for everything else, in a folder of their own. */
export async function runSession(context: TestContext, page: string): Promise<void> {
  const blocks = readFencedBlocks(join(guide, page));
  assert.ok(hasSession(blocks), `control: ${page} prints a session`);
  const cwd = mkdtempSync(join(tmpdir(), 'moonhook-guide-'));
  let dev: RunningCli | undefined;
  let urls: Readonly<Record<string, string>> = {};
  let mark = 0;
  context.after(async () => {
    await dev?.stop('SIGTERM');
    rmSync(cwd, { recursive: true, force: true });
  });

  async function startDev(args: readonly string[]): Promise<string> {
    await dev?.stop('SIGINT');
    dev = startCli([...args, '--port', '0', '--call-port', '0', '--admin-port', '0'], { cwd });
    const line = await dev.output(/moonhook \S+ serves [^"]*ready in [\d.]+ s/);
    const found = readFileSync(join(cwd, '.moonhook', 'dev.json'), 'utf8');
    const { publicUrl, callUrl, token } = JSON.parse(found) as Readonly<Record<string, string>>;
    urls = {
      'http://127.0.0.1:8080': publicUrl ?? '',
      'http://127.0.0.1:8081': callUrl ?? '',
      $TOKEN: token ?? '',
    };
    return `${line}\n`;
  }

  /** What the page calls by its usual port, or by a variable of the shell. */
  const here = (text: string): string =>
    Object.entries(urls).reduce((said, [name, value]) => said.replaceAll(name, value), text);

  async function curl(args: readonly string[]): Promise<string> {
    const headers = new Headers();
    let [url = '', method, body]: (string | undefined)[] = [];
    let shown = false;
    for (let at = 0; at < args.length; at += 1) {
      const word = args[at] ?? '';
      const value = args[at + 1] ?? '';
      if (word === '-i') {
        shown = true;
        continue;
      }
      if (word === '-X') method = value;
      else if (word === '-d') body = value;
      else if (word === '-H') headers.set(value.split(': ')[0] ?? '', here(value.split(': ')[1] ?? ''));
      else url = word;
      if (word.startsWith('-')) at += 1;
    }
    const answer = await fetch(here(url), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const lines = [...answer.headers].map(([name, value]) => `${name}: ${value}\n`);
    return `${shown ? `HTTP/1.1 ${answer.status} ${answer.statusText}\n${lines.join('')}\n` : ''}${await answer.text()}`;
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

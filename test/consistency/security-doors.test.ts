/** What the source may not do: open sockets elsewhere than in the guard, make regular expressions or code of tenants' text. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../src', import.meta.url));

const sources: ReadonlyMap<string, string> = new Map(
  globSync('**/*.ts', { cwd: root })
    .filter((name) => !name.endsWith('.test.ts'))
    .map((name) => [name.replaceAll('\\', '/'), readFileSync(`${root}/${name}`, 'utf8')]),
);

/** Files with a statement that the pattern finds, comments left out. */
function filesWith(pattern: RegExp, among: ReadonlyMap<string, string> = sources): readonly string[] {
  return [...among]
    .filter(([, text]) => pattern.test(text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')))
    .map(([name]) => name)
    .sort((one, other) => (one < other ? -1 : 1));
}

const opensSockets =
  /\bconnect(?:Tcp|Tls)?\s*[,}(][^]*?from 'node:(?:net|tls)'|from 'node:(?:https|http2|dgram)'|import [^;]*\b(?:request|get|Agent)\b[^;]*from 'node:http'|import \{[^}]*\} from 'undici'|\(['"]undici['"]\)|(?<![\w.])fetch\(|new (?:WebSocket|EventSource)\(/;
const looksUpNames = /from 'node:dns(?:\/promises)?'/;

test('sockets to others are opened in the outbound guard, and by commands to the process they speak to', () => {
  assert.deepEqual(filesWith(opensSockets), [
    'cli/copy-ends.ts', // the runtime that holds a store, by the socket beside it
    'cli/dev-client.ts', // the running process of the same user, by the address in its private file
    'cli/send.ts', // the same
    'cli/serve-documents.ts', // a run of its own in the same process
    'cli/try-draft.ts', // a run of its own in the same process
    'console/page/api.ts', // in the browser, to where the page came from
    'controller/kube-client.ts', // the API server of the kubeconfig or the pod
    'link/dial-peer.ts', // a runtime to its controllers
    'link/serve-peers.ts', // the controllers' end of it
    'policy/outbound-connect.ts',
    'policy/outbound-pools.ts',
    'runtime/live/pass-request.ts', // the call listener of its own process
  ]);
  assert.deepEqual(filesWith(looksUpNames), [
    'policy/outbound-resolve.ts',
    'runtime/run-cluster-runtime.ts', // the controllers, by the name of the installation's Service
  ]);
});

test('regular expressions are made of our own constants only', () => {
  assert.deepEqual(filesWith(/(?<![\w.])RegExp\(/), [
    'console/page/lua-event-help.ts', // in the browser, a name of word characters of the code that is being written
    'function/duration.ts',
    'function/mistakes.ts', // patterns of the schema
    'function/quantity.ts',
    'lua/explain-error.ts', // a token of the parser, of word characters only
    'policy/policy-schema.ts',
    'receivers/aws-sns.ts',
  ]);
});

test('no text becomes code, and no process is started for functions', () => {
  assert.deepEqual(filesWith(/(?<![\w.])eval\(|new Function\(|from 'node:vm'|from 'node:child_process'/), [
    'cli/console.ts', // the browser of the person who typed it
  ]);
});

/** What a file brings with it, types aside. */
function reachedFrom(entry: string, among: ReadonlyMap<string, string> = sources): ReadonlySet<string> {
  const reached = new Set<string>();
  const left = [entry];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const imports = /^(?:import|export)\s+(?!type\b)[^;]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;
    for (const [, fixed, late] of (among.get(name) ?? '').matchAll(imports)) {
      left.push(posix.join(posix.dirname(name), fixed ?? late ?? ''));
    }
  }
  return reached;
}

const runsTenantsCode = /^(?:lua|host|triggers\/.*program|runtime\/(?!link))/;

test('nothing that runs functions is part of the controller', () => {
  const entries = [...sources.keys()].filter((name) => name.startsWith('controller/'));
  const reached = new Set(entries.flatMap((entry) => [...reachedFrom(entry)]));
  assert.deepEqual(
    [...reached].filter((name) => runsTenantsCode.test(name)),
    // What answers of the API server look like: no code at all.
    ['host/kubernetes-types.ts'],
  );
  assert.ok(reached.size > 200);
  const runtime = [...reachedFrom('runtime/start-worker.ts')];
  assert.ok(runtime.includes('lua/engine.ts'), 'control: the way from a worker to the engine is found');
});

test('control: what is looked for is found', () => {
  const planted = new Map([
    ['a.ts', "import { connect } from 'node:net';"],
    ['b.ts', 'const answer = await fetch(url);'],
    ['c.ts', "import { request } from 'node:http';"],
    ['d.ts', "import { lookup } from 'node:dns/promises';"],
    ['e.ts', 'const made = new RegExp(text);'],
    ['f.ts', "import { createServer } from 'node:http';"],
    ['g.ts', "const { Pool } = createRequire(import.meta.url)('undici');"],
  ]);
  assert.deepEqual(filesWith(opensSockets, planted), ['a.ts', 'b.ts', 'c.ts', 'g.ts']);
  assert.deepEqual(filesWith(looksUpNames, planted), ['d.ts']);
  assert.deepEqual(filesWith(/(?<![\w.])RegExp\(/, planted), ['e.ts']);
});

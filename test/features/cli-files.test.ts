/** The verbs that work on files alone: new, check, render, version, and what wrong usage answers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { templates } from '../../src/cli/templates.ts';
import { runCli } from '../builders/run-cli.ts';

function place(context: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-files-'));
  context.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const hook = (spec: string): string =>
  `apiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunction\nmetadata: { name: a }\nspec:\n${spec}`;
const trigger = '  triggers: [{ name: web, http: { path: a, receiver: { open: {} } } }]\n';

test('new writes every starting point, and check accepts each', async (context) => {
  const cwd = place(context);
  for (const kind of Object.keys(templates)) {
    const { exitCode, stdout } = await runCli(['new', `my-${kind}`, '--from', kind], { cwd });
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`^my-${kind}\\.yaml written\n {2}`));
  }
  const checked = await runCli(['check'], { cwd });
  assert.equal(checked.exitCode, 0, checked.stdout);
  assert.match(checked.stdout, new RegExp(`^${Object.keys(templates).length} functions, 0 errors, 2 warnings$`, 'm'));
  const again = await runCli(['new', 'my-api'], { cwd });
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /my-api\.yaml is already there/);
  assert.equal((await runCli(['new', 'My_Api'], { cwd })).exitCode, 2);
  const printed = await runCli(['new', 'x', '--from', 'schedule', '--stdout'], { cwd });
  assert.equal(printed.stdout, templates['schedule']?.text('x'));
});

test('new writes a name that YAML would read as something else in quotes', async (context) => {
  const cwd = place(context);
  const kinds = Object.keys(templates);
  for (const [at, name] of ['7', '0x1f', 'null', 'no', '1e3'].entries()) {
    const text = templates[kinds[at] ?? '']?.text(name) ?? '';
    writeFileSync(join(cwd, `${name}.yaml`), text);
  }
  const { exitCode, stdout } = await runCli(['check'], { cwd });
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^5 functions, 0 errors/m);
});

test('check names every mistake of a folder and answers 1', async (context) => {
  const cwd = place(context, {
    'hooks/a.yaml': hook(`  code: |\n    return function()\n      htpp.get("x")\n    end\n${trigger}`),
    'hooks/b.yaml': hook(`  code: return function(\n${trigger}`).replace('name: a', 'name: b'),
    'hooks/c.yaml': hook(`  cod: return 1\n${trigger}`).replace('name: a', 'name: c'),
  });
  const { exitCode, stdout } = await runCli(['check', 'hooks'], { cwd });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^hooks\/a\.yaml:7:7: error: unknown global "htpp" \(did you mean "http"\?\)$/m);
  assert.match(stdout, /^hooks\/b\.yaml:5:\d+: error: .*expected/m);
  assert.match(stdout, /^hooks\/c\.yaml:5:3: error: spec\.cod: unknown field "cod" \(did you mean "code"\?\)$/m);
  assert.match(stdout, /^2 functions, \d errors, \d warnings$/m);
  const json = JSON.parse((await runCli(['check', 'hooks/c.yaml', '-o', 'json'], { cwd })).stdout) as {
    errors: number;
    diagnostics: { file: string; line: number }[];
  };
  assert.ok(json.errors >= 1);
  assert.deepEqual([json.diagnostics[0]?.file, json.diagnostics[0]?.line], ['hooks/c.yaml', 5]);
});

test('check tells what is wrong with the code of a function whose other fields are wrong, too', async (context) => {
  const wrongTrigger = '  triggers: [{ name: web, http: { pathh: a, receiver: { open: {} } } }]\n';
  const document = (name: string, spec: string): string => hook(spec).replace('name: a', `name: ${name}`);
  const cwd = place(context, {
    'code.yaml': document('code', `  code: |\n    return function()\n      retrun 1\n    end\n${wrongTrigger}`),
    'file.yaml': document('file', `  codeFrom: { file: file.lua }\n${wrongTrigger}`),
    'file.lua': 'return function() htpp.get("x") end\n',
    'doubt.yaml': document('doubt', `  code: return require("util")\n  modulez: [{ name: util, code: return 1 }]\n`),
    'type.yaml': document('type', '  code: return function() end\n  modules: abc\n'),
  });
  const { exitCode, stdout, stderr } = await runCli(['check'], { cwd });
  assert.deepEqual([exitCode, stderr], [1, '']);
  const errors = stdout.split('\n').filter((line) => line.includes(': error: '));
  assert.deepEqual(
    errors.map((line) => /^\S+: error: \S+/.exec(line)?.[0]),
    [
      'code.yaml:7:14: error: syntax',
      'code.yaml:9:35: error: spec.triggers[0].http.pathh:',
      // Whether the module is missing is not said: the misspelt field may have been it.
      'doubt.yaml:6:3: error: spec.modulez:',
      'file.lua:1:19: error: unknown',
      'file.yaml:6:35: error: spec.triggers[0].http.pathh:',
      'type.yaml:6:3: error: spec.modules:',
    ],
    stdout,
  );
});

test('check tells what a call at load time names wrongly, beside what Lua says of it', async (context) => {
  const cwd = place(context, {
    'a.yaml': hook(`  code: |\n    os.execute("ls")\n    return function() end\n${trigger}`),
    'b.yaml': hook(`  code: return function() end\n${trigger}`)
      .replace('name: a', 'name: b')
      .replace('{ name: web,', "{ name: web, filter: 'sleep(1)',"),
  });
  const { exitCode, stdout } = await runCli(['check'], { cwd });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^a\.yaml:6: error: attempt to call a nil value \(field 'execute'\)$/m);
  assert.match(stdout, /^a\.yaml:6:8: error: there is no os\.execute \(no programs can be run\)$/m);
  assert.match(stdout, /^b\.yaml:6:\d+: error: 'sleep' cannot be used here: filters and expressions do no I\/O/m);
});

test('a Secret that is in no file is a warning, an error with --strict, and nothing with --env-file', async (context) => {
  const spec = `  code: return function() end\n  env: [{ name: K, valueFrom: { secretKeyRef: { name: s, key: k } } }]\n${trigger}`;
  const cwd = place(context, { 'a.yaml': hook(spec), 'secrets.env': 's.k=value\n' });
  const relaxed = await runCli(['check'], { cwd });
  assert.equal(relaxed.exitCode, 0);
  assert.match(relaxed.stdout, /^a\.yaml:6:\d+: warning: .*Secret "s" does not exist/m);
  assert.equal((await runCli(['check', '--strict'], { cwd })).exitCode, 1);
  const given = await runCli(['check', '--env-file', 'secrets.env'], { cwd });
  assert.match(given.stdout, /^1 function, 0 errors, 0 warnings$/m);
  // Node has an option of the same name and must not take it.
  const absent = await runCli(['check', '--env-file', 'absent.env'], { cwd });
  assert.equal(absent.exitCode, 2);
  assert.match(absent.stderr, /^moonhook: .*absent\.env/);
});

test('check runs the policy of an installation', async (context) => {
  const cwd = place(context, {
    'a.yaml': hook(`  code: return function() end\n  limits: { timeout: 2m }\n${trigger}`),
    'policy.yaml': 'ceilings:\n  limits: { timeout: 30s }\n',
    'wrong.yaml': 'ceilngs: {}\n',
  });
  const { exitCode, stdout } = await runCli(['check', 'a.yaml', '--policy', 'policy.yaml'], { cwd });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^a\.yaml:6:13: error: spec\.limits\.timeout: .*30s/m);
  const wrong = await runCli(['check', 'a.yaml', '--policy', 'wrong.yaml'], { cwd });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /wrong\.yaml:1:1: error: ceilngs: unknown field "ceilngs" \(did you mean "ceilings"\?\)/);
});

test('check takes the addresses that `dev` would open', async (context) => {
  const subscription = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: a }
spec: { url: 'http://127.0.0.1:3000/in', events: ['com.acme.*'], secretRefs: [{ name: a, key: secret }] }
`;
  const cwd = place(context, { 'a.yaml': subscription });
  const closed = await runCli(['check'], { cwd });
  assert.equal(closed.exitCode, 1);
  assert.match(closed.stdout, /open it with --egress-allow 127\.0\.0\.1:3000/);
  const opened = await runCli(['check', '--egress-allow', '127.0.0.1:3000'], { cwd });
  assert.equal(opened.exitCode, 0, opened.stdout);
  const wrong = await runCli(['check', '--egress-allow', 'receiver'], { cwd });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /--egress-allow takes HOST:PORT, such as receiver:8080/);
});

test('render puts files in, keeps comments and order, and what it prints is checked alike', async (context) => {
  const cwd = place(context, {
    'hooks/a.yaml': `# the hook\n${hook(`  codeFrom: { file: src/a.lua }\n  modules:\n    - { name: util, file: src/util.lua }\n${trigger}`)}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { x: "1" } # kept\n`,
    'hooks/src/a.lua': '-- main\nlocal util = require("util")\nreturn function() return util.greet() end\n',
    'hooks/src/util.lua': 'return { greet = function() return "it\'s: fine" end }\n',
  });
  const { exitCode, stdout } = await runCli(['render', 'hooks'], { cwd });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^# the hook\n/);
  assert.match(stdout, /code: \|\n {4}-- main\n/);
  assert.match(stdout, /# kept/);
  assert.ok(!stdout.includes('file:'));
  writeFileSync(join(cwd, 'rendered.yaml'), stdout);
  assert.match((await runCli(['check', 'rendered.yaml'], { cwd })).stdout, /^1 function, 0 errors, 0 warnings$/m);
  writeFileSync(
    join(cwd, 'hooks', 'b.yaml'),
    readFileSync(join(cwd, 'hooks', 'a.yaml'), 'utf8').replace('a.lua', 'gone.lua'),
  );
  const broken = await runCli(['render', 'hooks/b.yaml'], { cwd });
  assert.deepEqual([broken.exitCode, broken.stdout], [1, '']);
  assert.match(broken.stderr, /hooks\/b\.yaml:\d+:\d+: error: src\/gone\.lua: there is no such file/);
});

test('wrong usage answers 2 with what was probably meant, and help answers 0', async () => {
  const unknown = await runCli(['chek']);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.stderr, /unknown command 'chek'\n\(Did you mean check\?\)/);
  const lacking = await runCli(['describe']);
  assert.equal(lacking.exitCode, 2);
  assert.match(lacking.stderr, /missing required argument 'subject'\n\(`moonhook describe --help` shows its options\)/);
  assert.equal((await runCli([])).exitCode, 2);
  const help = await runCli(['--help']);
  assert.equal(help.exitCode, 0);
  assert.match(help.stdout, /\n {2}dev .*\n/);
  const version = await runCli(['version', '-o', 'json']);
  assert.match(version.stdout, /^\{"moonhook":"[^"]+","api":"moonhook\.dev\/v1alpha1","node":"24\./);
  assert.equal((await runCli(['check', '/no/such/folder'])).exitCode, 2);
});

test('a path that holds no resources is refused, not found to be without mistakes', async (context) => {
  const cwd = place(context, {
    'a.yaml': hook(`  codeFrom: { file: a.lua }\n${trigger}`),
    'a.lua': 'return function() end',
  });
  symlinkSync('loop', join(cwd, 'loop'));
  for (const [verb, path, message] of [
    ['check', 'a.lua', /a\.lua is no YAML file: name the one \(\.yaml or \.yml\) that refers to it, or the folder/],
    ['render', './a.lua', /a\.lua is no YAML file/],
    ['check', 'gone', /there is no file or folder gone/],
    ['check', 'loop', /^moonhook: loop cannot be read: ELOOP/],
  ] as const) {
    const { exitCode, stderr } = await runCli([verb, path], { cwd });
    assert.equal(exitCode, 2, path);
    assert.match(stderr, message);
  }
  assert.equal((await runCli(['check', './a.yaml'], { cwd })).exitCode, 0, 'control');
});

test('Lua files as editors on Windows write them are read, and their mistakes have the right place', async (context) => {
  const file = (code: string): Readonly<Record<string, string>> => ({
    'a.yaml': hook(`  codeFrom: { file: a.lua }\n${trigger}`),
    'a.lua': `\uFEFF${code}`.replaceAll('\n', '\r\n'),
  });
  const fine = await runCli(['check'], { cwd: place(context, file('return function()\n  return "a"\nend\n')) });
  assert.deepEqual([fine.exitCode, fine.stdout], [0, '1 function, 0 errors, 0 warnings\n']);
  const unknown = await runCli(['check'], { cwd: place(context, file('return function() prnt("a")\nend\n')) });
  assert.match(unknown.stdout, /^a\.lua:1:19: error: unknown global "prnt" \(did you mean "print"\?\)$/m);
  const broken = await runCli(['check'], { cwd: place(context, file('return function()\n  retrun 1\nend\n')) });
  assert.match(broken.stdout, /^a\.lua:2:\d+: error: syntax error near '1'$/m);
});

test('what a module must return is said without guessing', async (context) => {
  const say = async (code: string): Promise<string> =>
    (await runCli(['check'], { cwd: place(context, { 'a.yaml': hook(`  code: '${code}'\n${trigger}`) }) })).stdout;
  assert.match(
    await say('return 7'),
    /returns a number; it must return a function or a table of handlers: write return f/,
  );
  assert.match(await say('return { web = function() end, n = 5 }'), /'n' .* is a number; handlers are functions: keep/);
  assert.doesNotMatch((await say('return 7')) + (await say('return { n = 5 }')), /did you mean/);
});

test('words that no environment has are told in the Lua of a subscription, too, each at its place', async (context) => {
  const subscription = (filter: string): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: orders }
spec:
  url: https://hooks.example.com/orders
  events: [com.acme.*]
  secretRefs: [{ name: orders, key: secret }]
  filter: ${filter}
  transform: |
    local order = event.data
    return { text = strng.format("order %d", order.id) }
  ordered: { key: 'http.get("https://example.com/")' }
`;
  const { exitCode, stdout } = await runCli(['check'], {
    cwd: place(context, { 'a.yaml': subscription('data.n > 2') }),
  });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^a\.yaml:8:11: error: unknown global "data"$/m);
  assert.match(stdout, /^a\.yaml:11:21: error: unknown global "strng" \(did you mean "string"\?\)$/m);
  assert.match(stdout, /^a\.yaml:12:\d+: error: 'http\.get' cannot be used here: filters and expressions do no I\/O/m);
  const control = await runCli(['check'], { cwd: place(context, { 'a.yaml': subscription('event.data.n > 2') }) });
  assert.doesNotMatch(control.stdout, /"data"/);
});

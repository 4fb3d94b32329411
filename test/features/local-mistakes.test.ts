/** What a user reads when something is wrong: each mistake at its place, with what to do, and what it means for serving. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkDraft, readFunctionFiles } from '../../src/local/function-text.ts';
import { createLoadServer } from '../../src/local/load-server.ts';
import { startLocal } from '../builders/local-run.ts';

const hook = (name: string, parts: { code?: string; path?: string; receiver?: string; more?: string } = {}): string =>
  `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
  code: |
    ${parts.code ?? 'return function() return "ok" end'}
  triggers:
    - name: push
      http:
        path: ${parts.path ?? name}
        receiver: ${parts.receiver ?? '{ open: {} }'}
${parts.more ?? ''}`;

const secret = (name: string, value: string): string =>
  `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, labels: { moonhook.dev/functions: "true" } }\nstringData: { key: ${value} }\n`;

interface Case {
  readonly title: string;
  readonly text: string;
  /** Lines that must be there, in this order. */
  readonly lines: readonly RegExp[];
  /** Answer at /default/a. */
  readonly status: number;
}

const cases: readonly Case[] = [
  {
    title: 'YAML that does not parse',
    text: hook('a').replace('{ open: {} }', '{ open: {}'),
    lines: [/^hooks\.yaml:12:1: error: /],
    status: 404,
  },
  {
    title: 'a misspelt field',
    text: hook('a').replace('receiver:', 'recevier:'),
    lines: [
      /^hooks\.yaml:11:9: error: spec\.triggers\[0\]\.http\.recevier: unknown field "recevier" \(did you mean "receiver"\?\)$/,
    ],
    status: 404,
  },
  {
    title: 'a value of the wrong type',
    text: hook('a', { more: '  limits: { timeout: 10 }\n' }),
    lines: [
      /^hooks\.yaml:12:13: error: spec\.limits\.timeout: must be text, not the number 10 \(write a duration such as 500ms, .*\)$/,
    ],
    status: 404,
  },
  {
    title: 'an expression that does not parse',
    text: hook('a').replace('- name: push', '- name: push\n      filter: event.name =='),
    lines: [/^hooks\.yaml:9:\d+: error: spec\.triggers\[0\]\.filter: syntax error near '=='$/],
    status: 503,
  },
  {
    title: 'a key that does not parse',
    text: hook('a', { more: '        rate: { requests: 1, per: 1s, key: event.( }\n' }),
    lines: [/^hooks\.yaml:12:\d+: error: spec\.triggers\[0\]\.http\.rate\.key: .* expected near '\('$/],
    status: 503,
  },
  {
    title: 'a value that YAML 1.1 and 1.2 read differently',
    text: hook('a').replace('name: push', 'name: on'),
    lines: [
      /^hooks\.yaml:8:13: error: `on` is true in YAML 1\.1 and text in YAML 1\.2 \(write "on" for the text, true for the value\)$/,
    ],
    status: 404,
  },
  {
    title: 'code that is too large',
    text: hook('a', { code: `return function() return "${'x'.repeat(131_072)}" end` }),
    lines: [/^hooks\.yaml:5:3: error: spec\.code: is longer than 131072 characters$/],
    status: 404,
  },
  {
    title: 'a Secret that is not there',
    text: hook('a', { receiver: '{ github: { secretRefs: [{ name: github, key: key }] } }' }),
    lines: [
      /^hooks\.yaml:11:44: error: .*secretRefs\[0\]: Secret "github" does not exist in namespace default: add a document of kind Secret or use --env-file$/,
      /^default\/a: does not serve \(SecretNotFound\)$/,
    ],
    status: 503,
  },
  {
    title: 'a Secret without the key',
    text:
      hook('a', { receiver: '{ github: { secretRefs: [{ name: github, key: kye }] } }' }) +
      secret('github', 'k'.repeat(32)),
    lines: [/^hooks\.yaml:11:44: error: .*Secret "github" has no key "kye"; it has key$/, /^default\/a: /],
    status: 503,
  },
  {
    title: 'a secret that is too weak',
    text:
      hook('a', { receiver: '{ github: { secretRefs: [{ name: github, key: key }] } }' }) + secret('github', 'hunter2'),
    lines: [
      /^hooks\.yaml:11:21: error: .*secretRefs\[0\] has 7 bytes, GitHub secrets need at least 16$/,
      /^default\/a: /,
    ],
    status: 503,
  },
  {
    title: 'a Secret without the label of consent',
    text:
      hook('a', { receiver: '{ bearer: { secretRefs: [{ name: github, key: key }] } }' }) +
      secret('github', 'k'.repeat(32)).replace(', labels: { moonhook.dev/functions: "true" }', ''),
    lines: [
      /^hooks\.yaml:11:\d+: warning: .*kubectl label secret github -n default moonhook\.dev\/functions=true$/,
      /^default\/a: live/,
    ],
    status: 401,
  },
  {
    title: 'two functions on one route',
    text: `${hook('a', { path: 'same' })}---\n${hook('b', { path: 'same' })}`,
    lines: [
      /^hooks\.yaml:22:9: error: spec\.triggers\[0\]\.http\.path: the route \/default\/same is taken: function "a" .*\(the other stands in \S+\.yaml:1\)$/,
      /^default\/b: does not serve \(RouteConflict\)$/,
    ],
    status: 404,
  },
  {
    title: 'a misspelt handler',
    text: hook('a', { code: 'return { psuh = function() return "ok" end }' }),
    lines: [
      /^hooks\.yaml:\d+:\d+: error: .*"push".*\(did you mean "psuh"\?\)$/,
      /^default\/a: does not serve \(NoHandler\)$/,
    ],
    status: 503,
  },
  {
    title: 'a misspelt host function at load',
    text: hook('a', { code: 'local key = htpp.get\n    return function() end' }),
    lines: [/^hooks\.yaml:6:\d*:? ?.*htpp/, /^default\/a: does not serve/],
    status: 503,
  },
  {
    title: 'a misspelt host function in a handler',
    text: hook('a', { code: 'return function() return htpp.get("https://example.com") end' }),
    lines: [/^hooks\.yaml:6:30: warning: unknown global "htpp" \(did you mean "http"\?\)$/, /^default\/a: live/],
    status: 500,
  },
  {
    title: 'a kind that is nearly ours',
    text: hook('a').replace('kind: WebhookFunction', 'kind: WebHookFunctions'),
    lines: [/^hooks\.yaml:2:1: error: unknown kind "WebHookFunctions" \(did you mean "WebhookFunction"\?\)$/],
    status: 404,
  },
  {
    title: 'a schedule that is none',
    text: hook('a').replace(/ {6}http:\n.*\n.*\n/, '      schedule: { cron: "61 * * * *" }\n'),
    lines: [/^hooks\.yaml:9:\d+: error: spec\.triggers\[0\]\.schedule\.cron: /],
    status: 404,
  },
];

/** Each case in a file and a namespace of its own, so that one run serves them all. */
function inNamespace(text: string, index: number): string {
  return text.replaceAll(/metadata: \{ name: /g, `metadata: { namespace: c${index}, name: `);
}

test('every mistake is named at its place, with what to do', async (context) => {
  const files = Object.fromEntries(cases.map(({ text }, index) => [`case-${index}.yaml`, inNamespace(text, index)]));
  const local = await startLocal(context, { files });
  const printed = [...local.lines];
  for (const [index, { title, lines, status }] of cases.entries()) {
    await context.test(title, async () => {
      const own = printed
        .filter((line) => line.startsWith(`case-${index}.yaml:`) || line.startsWith(`c${index}/`))
        .map((line) =>
          line
            .replace(`case-${index}.yaml`, 'hooks.yaml')
            .replaceAll(new RegExp(String.raw`\bc${index}\b`, 'g'), 'default'),
        );
      let at = 0;
      for (const pattern of lines) {
        const found = own.slice(at).findIndex((line) => pattern.test(line));
        assert.notEqual(found, -1, `${String(pattern)} is not in\n${own.join('\n')}`);
        at += found + 1;
      }
      assert.equal((await local.fetch(`/c${index}/a`)).status, status, own.join('\n'));
    });
  }
  await context.test('no line shows a secret', () => {
    for (const line of [...local.lines, ...local.logged])
      assert.ok(!line.includes('hunter2') && !line.includes('kkkk'), line);
  });
});

test('an error in a call is told with its line in the YAML file', async (context) => {
  const code = 'return function(event)\n      local x\n      return x.y\n    end';
  const local = await startLocal(context, { files: { 'hooks.yaml': hook('a', { code }) } });
  assert.equal((await local.fetch('/default/a')).status, 500);
  const records = await local.run.findRecords({ functionName: 'a' });
  assert.deepEqual(
    records.map(({ error }) => [error?.file, error?.line]),
    [['hooks.yaml', 8]],
  );
});

test('an error keeps its place when the file is edited before anybody asks', async (context) => {
  const code = 'return function(event)\n      local x\n      return x.y\n    end';
  const local = await startLocal(context, { files: { 'hooks.yaml': hook('a', { code }) } });
  assert.equal((await local.fetch('/default/a')).status, 500);
  const from = local.lines.length;
  local.write('hooks.yaml', `# A line more.\n${hook('a', { code: 'return function() end' })}`);
  await local.line(/^default\/a: live/, from);
  const [record] = await local.run.findRecords({ functionName: 'a' });
  assert.deepEqual([record?.error?.file, record?.error?.line], ['hooks.yaml', 8]);
});

test('code that returns no handler is told without its file named twice', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': hook('a', { code: 'return 7' }) } });
  const line = local.lines.find((each) => each.includes(': error: ')) ?? '';
  assert.match(line, /^hooks\.yaml:\d+:\d+: error: the module returns a number; it must return a function/);
});

test('a YAML file of something else is passed over with a note, and the rest is served', async (context) => {
  const local = await startLocal(context, {
    files: { 'hooks.yaml': hook('a'), 'compose.yaml': 'services:\n  web: { image: x, restart: on }\n' },
  });
  assert.deepEqual(
    local.lines.filter((line) => line.startsWith('compose')),
    ['compose.yaml:1:1: note: not a Kubernetes object (it has no kind): passed over'],
  );
  assert.equal((await local.fetch('/default/a')).status, 200);
});

test('a draft is judged with the reason why the env file gives nothing', async (context) => {
  const envFile = join(mkdtempSync(join(tmpdir(), 'moonhook-env-')), 'secrets.env');
  context.after(() => rmSync(dirname(envFile), { recursive: true }));
  writeFileSync(envFile, 'caller.token=0123456789abcdef0123456789abcdef\n');
  const bearer = '{ bearer: { secretRefs: [{ name: caller, key: token }] } }';
  const { run } = await startLocal(context, {
    files: { 'hooks.yaml': hook('a', { receiver: bearer }) },
    options: { envFile },
  });
  const files = await readFunctionFiles(run.view, 'default', 'a');
  assert.ok(files !== undefined);
  const server = await createLoadServer((message) => assert.fail(message));
  const judge = async (): Promise<readonly string[]> =>
    (await checkDraft(run.view, { server, policy: run.policy, beside: [] }, { yaml: files.yaml }, files)).map(
      ({ severity, message }) => `${severity}: ${message}`,
    );
  assert.deepEqual(await judge(), [], 'control: with the file nothing is wrong');
  rmSync(envFile);
  const told = await judge();
  assert.match(told[0] ?? '', /^warning: cannot read the env file \S+secrets\.env: ENOENT/);
  assert.match(told[1] ?? '', /^warning: Secret "caller" does not exist/);
  await server.close();
});

test('a Secret with errors is not said to be missing; mended it is used, and broken again its last valid form stays', async (context) => {
  const secret = (value: string): string =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: keys, labels: { moonhook.dev/functions: 'true' } }\nstringData: { api: ${value} }\n`;
  const reader = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: a }
spec:
  code: return function() return env.KEY end
  env: [{ name: KEY, valueFrom: { secretKeyRef: { name: keys, key: api } } }]
  triggers: [{ name: web, http: { path: a, receiver: { open: {} } } }]
`;
  const local = await startLocal(context, { files: { 'hooks.yaml': reader, 'keys.yaml': secret('7') } });
  const told = local.lines.filter((line) => line.includes('keys')).toSorted();
  assert.equal(told.length, 2, told.join('\n'));
  assert.match(
    told[0] ?? '',
    /^hooks\.yaml:6:\d+: error: spec\.env\[0\].*: Secret "keys" has errors, see keys\.yaml:1$/,
  );
  assert.match(told[1] ?? '', /^keys\.yaml:4:\d+: error: stringData\.api: must be text, not a number/);
  local.write('keys.yaml', secret("'one'"));
  await local.line(/^default\/a: live/);
  assert.equal(await (await local.fetch('/default/a')).text(), 'one');
  local.write('keys.yaml', secret('8'));
  await local.line(/^keys\.yaml:.*note: default\/keys: the last valid form stays in force/);
  assert.equal(await (await local.fetch('/default/a')).text(), 'one');
});

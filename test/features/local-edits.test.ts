/** Files are edited while they are served: the next request runs the new code, or the last good one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';

const hook = (name: string, code: string, more = ''): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
  code: |
    ${code}
${more}  triggers:
    - name: web
      http: { path: ${name}, receiver: { open: {} } }
`;

const answer = (text: string): string => `return function() return "${text}" end`;

const body = async (local: LocalFixture, path: string): Promise<string> => (await local.fetch(path)).text();

test('an edit is live for the next request, and the terminal says when', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': hook('a', answer('one')) } });
  assert.equal(await body(local, '/default/a'), 'one');
  const from = local.lines.length;
  local.write('hooks.yaml', hook('a', answer('two')));
  const line = await local.line(/^default\/a: /, from);
  assert.match(line, /^default\/a: live in \d+ ms \(revision [0-9a-f]{8}\)$/);
  assert.equal(await body(local, '/default/a'), 'two');
});

test('broken Lua is named at its line in the YAML file, while the last good code serves', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': hook('a', answer('good')) } });
  const from = local.lines.length;
  local.write('hooks.yaml', `# moved down\n\n${hook('a', 'return function(event)\n      local x = = 1\n    end')}`);
  assert.match(await local.line(/error/, from), /^hooks\.yaml:9:17: error: unexpected symbol near '='$/);
  assert.match(
    await local.line(/^default\/a: /, from),
    /^default\/a: keeps serving the last good code \(revision [0-9a-f]{8}\)$/,
  );
  assert.equal(await body(local, '/default/a'), 'good');
  const mended = local.lines.length;
  local.write('hooks.yaml', hook('a', answer('mended')));
  await local.line(/^default\/a: live/, mended);
  assert.equal(await body(local, '/default/a'), 'mended');
});

test('a broken file keeps its resources whole, and the others take effect', async (context) => {
  const local = await startLocal(context, {
    files: { 'a.yaml': hook('a', answer('a1')), 'b.yaml': hook('b', answer('b1')) },
  });
  const from = local.lines.length;
  local.write('a.yaml', hook('a', answer('a2')).replace('receiver: { open: {} }', 'receiver: { open: {}'));
  local.write('b.yaml', hook('b', answer('b2')));
  assert.match(await local.line(/^a\.yaml:\d+:\d+: error: /, from), /^a\.yaml:10:1: error: /);
  await local.line(/^a\.yaml:10:1: note: default\/a: the last valid form stays in force$/, from);
  await local.line(/^default\/b: live/, from);
  assert.equal(await body(local, '/default/a'), 'a1');
  assert.equal(await body(local, '/default/b'), 'b2');
  const mended = local.lines.length;
  local.write('a.yaml', hook('a', answer('a3')));
  await local.line(/^a\.yaml: ok again$/, mended);
  await local.line(/^default\/a: live/, mended);
  assert.equal(await body(local, '/default/a'), 'a3');
});

test('a route, a secret or a limit takes effect at once, also while the code is broken', async (context) => {
  const local = await startLocal(context, { files: { 'a.yaml': hook('a', answer('good')) } });
  const from = local.lines.length;
  local.write('a.yaml', hook('a', 'return function(').replace('path: a', 'path: moved'));
  await local.line(/^default\/a: keeps serving/, from);
  assert.equal((await local.fetch('/default/a')).status, 404);
  assert.equal(await body(local, '/default/moved'), 'good');
});

test('a removed document stops answering, a renamed file changes nothing', async (context) => {
  const local = await startLocal(context, {
    files: { 'a.yaml': `${hook('a', answer('a'))}---\n${hook('b', answer('b'))}` },
  });
  let from = local.lines.length;
  local.write('a.yaml', hook('a', answer('a')));
  await local.line(/^default\/b: removed$/, from);
  assert.equal((await local.fetch('/default/b')).status, 404);
  from = local.lines.length;
  renameSync(join(local.folder, 'a.yaml'), join(local.folder, 'z.yaml'));
  local.write('marker.yaml', hook('marker', answer('m')));
  await local.line(/^default\/marker: live/, from);
  assert.equal(await body(local, '/default/a'), 'a');
  assert.deepEqual(
    local.lines.slice(from).filter((line) => line.includes('removed')),
    [],
  );
});

test('no request fails while a file is saved again and again in every way editors have', async (context) => {
  const local = await startLocal(context, { files: { 'a.yaml': hook('a', answer('0')) } });
  const file = join(local.folder, 'a.yaml');
  const saves = [
    (text: string) => {
      writeFileSync(file, text);
    },
    (text: string) => {
      truncateSync(file);
      writeFileSync(file, text);
    },
    (text: string) => {
      writeFileSync(`${file}.tmp`, text);
      renameSync(`${file}.tmp`, file);
    },
    (text: string) => {
      rmSync(file);
      writeFileSync(file, text);
    },
  ];
  const edited = new AbortController();
  const seen = new Set<string>();
  const asking = (async () => {
    while (!edited.signal.aborted) {
      const response = await local.fetch('/default/a');
      seen.add(`${response.status} ${/^\d+$/.test(await response.text()) ? 'number' : 'other'}`);
    }
  })();
  for (let turn = 1; turn <= 24; turn += 1) {
    saves[turn % saves.length]?.(hook('a', answer(String(turn))));
    const from = local.lines.length;
    if (turn % 6 === 0) await local.line(/^default\/a: live/, from - 1);
  }
  while ((await body(local, '/default/a')) !== '24') await local.line(/^default\/a: live/, local.lines.length - 1);
  edited.abort();
  await asking;
  assert.deepEqual([...seen], ['200 number']);
});

test('code in a file of its own is taken up, and a mistake in it has its own place', async (context) => {
  const yaml = hook('a', 'x').replace(/ {2}code: \|\n.*\n/, '  codeFrom: { file: src/a.lua }\n');
  const local = await startLocal(context, { files: { 'a.yaml': yaml, 'src/a.lua': answer('one') } });
  assert.equal(await body(local, '/default/a'), 'one');
  let from = local.lines.length;
  local.write('src/a.lua', answer('two'));
  await local.line(/^default\/a: live/, from);
  assert.equal(await body(local, '/default/a'), 'two');
  from = local.lines.length;
  local.write('src/a.lua', 'return function()\n  return 1 +\nend');
  assert.match(await local.line(/error/, from), /^src\/a\.lua:3:1: error: unexpected symbol near 'end'/);
  assert.equal(await body(local, '/default/a'), 'two');
});

test('a folder that is removed keeps what it gave until it is back', async (context) => {
  const local = await startLocal(context, { files: { 'deep/a.yaml': hook('a', answer('one')) } });
  const parked = `${local.folder}-parked`;
  renameSync(local.folder, parked);
  mkdirSync(local.folder);
  renameSync(join(parked, 'deep'), join(local.folder, 'deep'));
  rmSync(parked, { recursive: true });
  const from = local.lines.length;
  local.write('deep/a.yaml', hook('a', answer('two')));
  await local.line(/^default\/a: live/, from);
  assert.equal(await body(local, '/default/a'), 'two');
  assert.deepEqual(
    local.lines.filter((line) => line.includes('removed')),
    [],
  );
});

test('a rotated secret in the env file takes effect, and the old one stops', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-env-'));
  context.after(() => {
    rmSync(base, { recursive: true });
  });
  const envFile = join(base, 'secrets.env');
  const [old, fresh] = ['old-secret-of-more-than-16-bytes', 'new-secret-of-more-than-16-bytes'];
  writeFileSync(envFile, `caller.token=${old}\n`);
  const text = hook('a', answer('ok')).replace(
    '{ open: {} }',
    '{ bearer: { secretRefs: [{ name: caller, key: token }] } }',
  );
  const local = await startLocal(context, { files: { 'a.yaml': text }, options: { envFile } });
  const ask = async (token: string): Promise<number> =>
    (await local.fetch('/default/a', { headers: { authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await ask(old), await ask(fresh)], [200, 401]);
  const from = local.lines.length;
  writeFileSync(envFile, `caller.token=${fresh}\n# rotated\n`);
  await local.line(/^default\/a: live/, from);
  assert.deepEqual([await ask(old), await ask(fresh)], [401, 200]);
});

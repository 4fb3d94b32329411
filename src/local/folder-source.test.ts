import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createFunctionCheck } from '../function/check-function.ts';
import { receivers } from '../receivers/catalogue.ts';
import { documentCheck } from './check-document.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { createFolderSource, type SourceSnapshot } from './folder-source.ts';

const check = documentCheck(createFunctionCheck(receivers));

const hook = (name: string, code = 'return "1"'): string =>
  `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
  code: ${JSON.stringify(`return function() ${code} end`)}
  triggers: [{ name: web, http: { path: ${name}, receiver: { open: {} } } }]
`;

const fileHook = (name: string, file: string): string => hook(name).replace(/code: .*/, `codeFrom: { file: ${file} }`);

interface Folder {
  write(name: string, text: string): void;
  remove(name: string): void;
  pass(milliseconds: number): void;
  refresh(...names: string[]): Promise<SourceSnapshot>;
  readonly root: string;
}

function folder(context: TestContext): Folder {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-source-'));
  context.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  let clock = 0;
  const source = createFolderSource({ root, check, now: () => clock });
  return {
    root,
    write: (name, text) => {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    },
    remove: (name) => {
      rmSync(join(root, name), { recursive: true });
    },
    pass: (milliseconds) => {
      clock += milliseconds;
    },
    refresh: (...names) => source.refresh(names.length === 0 ? [''] : names),
  };
}

const namesOf = ({ documents }: SourceSnapshot): readonly string[] => documents.map(({ name }) => name);
const codeOf = ({ documents }: SourceSnapshot, name: string): string | undefined =>
  documents.flatMap((document) =>
    document.kind === 'WebhookFunction' && document.name === name ? [document.resource.spec.code] : [],
  )[0];
const linesOf = ({ diagnostics }: SourceSnapshot): readonly string[] => diagnostics.map(formatDiagnostic);

test('only what changed is read again, and an unchanged document is the same object', async (context) => {
  const { write, refresh } = folder(context);
  write('a.yaml', hook('a'));
  write('deep/b.yml', hook('b'));
  write('c.txt', hook('c'));
  const first = await refresh();
  assert.deepEqual(namesOf(first), ['a', 'b']);
  write('a.yaml', hook('a', 'return "2"'));
  const second = await refresh('a.yaml', 'deep');
  assert.match(codeOf(second, 'a') ?? '', /"2"/);
  assert.equal(second.documents[1], first.documents[1]);
});

test('a broken document keeps its last valid form, and the other documents of the file take effect', async (context) => {
  const { write, refresh } = folder(context);
  write('a.yaml', `${hook('a')}---\n${hook('b')}`);
  await refresh();
  write('a.yaml', `${hook('a', 'return "2"').replace('code:', 'cod:')}---\n${hook('b', 'return "2"')}`);
  const after = await refresh('a.yaml');
  assert.match(codeOf(after, 'a') ?? '', /"1"/);
  assert.match(codeOf(after, 'b') ?? '', /"2"/);
  assert.match(linesOf(after)[0] ?? '', /^a\.yaml:5:3: error: spec\.cod: unknown field/);
});

test('a file that does not parse gives up nothing', async (context) => {
  const { write, refresh, pass } = folder(context);
  write('a.yaml', `${hook('a')}---\n${hook('b')}`);
  await refresh();
  write('a.yaml', `a: "open\n---\n${hook('b')}`);
  await refresh('a.yaml');
  pass(10_000);
  const after = await refresh('a.yaml');
  assert.deepEqual([...namesOf(after)].sort(), ['a', 'b']);
  assert.match(linesOf(after)[0] ?? '', /^a\.yaml:\d+:\d+: error: missing closing/);
});

test('a document or file that is gone counts as removed only after a while', async (context) => {
  const { write, remove, refresh, pass } = folder(context);
  write('a.yaml', `${hook('a')}---\n${hook('b')}`);
  write('c.yaml', hook('c'));
  await refresh();
  write('a.yaml', hook('a'));
  remove('c.yaml');
  const at = await refresh('a.yaml', 'c.yaml');
  assert.deepEqual(namesOf(at), ['a', 'b', 'c']);
  assert.equal(at.lookAgainInMs, 150);
  write('c.yaml', hook('c', 'return "2"'));
  pass(151);
  const after = await refresh('c.yaml');
  assert.deepEqual(namesOf(after), ['a', 'c']);
  assert.match(codeOf(after, 'c') ?? '', /"2"/);
  assert.equal(after.lookAgainInMs, undefined);
});

test('an emptied file that is filled again loses nothing in between', async (context) => {
  const { write, refresh, pass } = folder(context);
  write('a.yaml', hook('a'));
  await refresh();
  write('a.yaml', '');
  assert.deepEqual(namesOf(await refresh('a.yaml')), ['a']);
  pass(20);
  write('a.yaml', hook('a', 'return "2"'));
  const after = await refresh('a.yaml');
  assert.match(codeOf(after, 'a') ?? '', /"2"/);
  assert.equal(after.lookAgainInMs, undefined);
});

test('of two documents with one name the one in force stays, and the other is named', async (context) => {
  const { write, refresh, remove, pass } = folder(context);
  write('m.yaml', hook('a'));
  await refresh();
  write('b.yaml', `\n${hook('a', 'return "copy"')}`);
  const both = await refresh('b.yaml');
  assert.match(codeOf(both, 'a') ?? '', /"1"/);
  assert.deepEqual(linesOf(both), [
    'b.yaml:2:1: error: WebhookFunction default/a stands also in m.yaml:1, which is the one in force (remove one of them or give it another name)',
  ]);
  remove('m.yaml');
  const moved = await refresh('m.yaml');
  assert.match(codeOf(moved, 'a') ?? '', /copy/);
  assert.deepEqual(linesOf(moved), []);
  write('b.yaml', `${hook('a')}---\n${hook('a')}`);
  pass(151);
  assert.match(linesOf(await refresh('b.yaml'))[0] ?? '', /b\.yaml:8:1: error: .* stands also in b\.yaml:1/);
});

test('files of code are read beside their YAML file and nowhere outside the folder', async (context) => {
  const { root, write, refresh } = folder(context);
  write('team/a.yaml', fileHook('a', 'src/a.lua'));
  write('team/src/a.lua', 'return 1');
  write('b.yaml', fileHook('b', '../outside.lua'));
  write('c.yaml', fileHook('c', 'link.lua'));
  write('d.yaml', fileHook('d', '/etc/hostname'));
  write('e.yaml', fileHook('e', 'missing.lua'));
  symlinkSync('/etc/hostname', join(root, 'link.lua'));
  const { codeFiles } = await refresh();
  assert.deepEqual(codeFiles.get('team/src/a.lua'), { kind: 'text', text: 'return 1' });
  assert.deepEqual(codeFiles.get('../outside.lua'), { kind: 'refused', message: 'it is outside the folder' });
  assert.deepEqual(codeFiles.get('link.lua'), {
    kind: 'refused',
    message: 'it is a link that leads outside the folder',
  });
  assert.deepEqual(codeFiles.get('/etc/hostname'), { kind: 'refused', message: 'it is outside the folder' });
  assert.deepEqual(codeFiles.get('missing.lua'), { kind: 'missing' });
  write('missing.lua', 'return 2');
  assert.deepEqual((await refresh('missing.lua')).codeFiles.get('missing.lua'), { kind: 'text', text: 'return 2' });
});

test('a resource file that leads outside, is too large or not text is refused by name', async (context) => {
  const { root, write, refresh } = folder(context);
  symlinkSync('/etc/hostname', join(root, 'a.yaml'));
  write('b.yaml', `# ${'x'.repeat(8 * 1024 * 1024)}`);
  writeFileSync(join(root, 'c.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
  assert.deepEqual(linesOf(await refresh()), [
    'a.yaml: error: it is a link that leads outside the folder',
    'b.yaml: error: it is larger than 8 MiB',
    'c.yaml: error: it is not text in UTF-8',
  ]);
});

test('a link to a file that is not there is named, and its function goes as with any removed file', async (context) => {
  const { root, write, remove, refresh, pass } = folder(context);
  write('.kept/a.yaml', hook('a'));
  symlinkSync('.kept/a.yaml', join(root, 'a.yaml'));
  assert.deepEqual(namesOf(await refresh()), ['a']);
  remove('.kept/a.yaml');
  await refresh('a.yaml');
  pass(151);
  const gone = await refresh('a.yaml');
  assert.deepEqual(namesOf(gone), []);
  const told = 'a.yaml: error: it is a link to a file that is not there: remove the link, or put the file there';
  assert.deepEqual(linesOf(gone), [told]);
  remove('a.yaml');
  assert.deepEqual(linesOf(await refresh('a.yaml')), []);
});

test('a folder or file that may not be read is named, and keeps what it gave until it can be read again', async (context) => {
  const { root, write, refresh, pass } = folder(context);
  write('a.yaml', hook('a'));
  write('deep/b.yaml', hook('b'));
  assert.deepEqual(namesOf(await refresh()), ['a', 'b']);
  chmodSync(root, 0o755);
  chmodSync(join(root, 'deep'), 0o700);
  await asNobody(async () => {
    pass(10_000);
    const locked = await refresh();
    assert.deepEqual(namesOf(locked), ['a', 'b']);
    assert.ok(
      linesOf(locked).includes(
        'deep: error: what is in it is not served: this user may not read it: give it the right to',
      ),
    );
    assert.ok(linesOf(locked).includes('deep/b.yaml: error: this user may not read it: give it the right to'));
    const fresh = createFolderSource({ root, check, now: () => 0 });
    const first = await fresh.refresh(['']);
    assert.deepEqual(namesOf(first), ['a']);
    assert.match(linesOf(first)[0] ?? '', /^deep: error: what is in it is not served/);
  });
  const open = await refresh('deep');
  assert.deepEqual(namesOf(open), ['a', 'b']);
  assert.deepEqual(linesOf(open), []);
});

/** Runs as a user without rights: root may read whatever the modes say. */
async function asNobody(run: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    await run();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

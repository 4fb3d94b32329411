import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createFunctionCheck } from '../function/check-function.ts';
import { receivers } from '../receivers/catalogue.ts';
import { documentCheck } from './check-document.ts';
import { createFolderSource, type SourceSnapshot } from './folder-source.ts';
import { openReadingCache } from './reading-cache.ts';

const check = documentCheck(createFunctionCheck(receivers));

const hook = (name: string, more = ''): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
  code: |
    return function() return "1" end
  triggers: [{ name: web, http: { path: ${name}, receiver: { open: {} } } }]
${more}`;

const subscription = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: orders }
spec: { events: [order.created], url: "https://example.com/in", filter: event.data.total > 10, secretRefs: [{ name: key, key: key }] }
`;

interface Runs {
  readonly cache: string;
  write(name: string, text: string): void;
  /** A start: what it answers, and how many documents were checked, which only those that are read anew are. */
  start(): Promise<{ readonly snapshot: SourceSnapshot; readonly checked: number }>;
}

function runs(context: TestContext): Runs {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-folder-'));
  const data = mkdtempSync(join(tmpdir(), 'moonhook-data-'));
  context.after(() => {
    for (const folder of [root, data]) rmSync(folder, { recursive: true, force: true });
  });
  const cache = join(data, 'readings');
  return {
    cache,
    write: (name, text) => {
      writeFileSync(join(root, name), text);
    },
    start: async () => {
      let checked = 0;
      const readings = openReadingCache(cache);
      const counting: typeof check = (value) => {
        checked += 1;
        return check(value);
      };
      const source = createFolderSource({ root, check: counting, now: () => 0, readings });
      const snapshot = await source.refresh(['']);
      readings.save();
      return { snapshot, checked };
    },
  };
}

test('a second start reads nothing anew and answers the same', async (context) => {
  const { write, start, cache } = runs(context);
  write('a.yaml', `\uFEFF# two of them\n${hook('one')}---\n${hook('two')}`);
  write('b.yaml', hook('three'));
  const first = await start();
  const second = await start();
  assert.equal(first.checked, 3);
  assert.equal(second.checked, 0);
  assert.deepEqual(second.snapshot.documents, first.snapshot.documents);
  const places = (of: SourceSnapshot): unknown =>
    of.documents.map((document) => 'places' in document && document.places.placeOf(['spec', 'triggers']));
  assert.deepEqual(places(second.snapshot), places(first.snapshot), 'places are found in the text of the file');
  assert.equal(statSync(cache).mode & 0o777, 0o600);
});

test('subscriptions are kept with the places of their expressions', async (context) => {
  const { write, start } = runs(context);
  write('s.yaml', subscription);
  const first = await start();
  assert.deepEqual(first.snapshot.diagnostics, []);
  const second = await start();
  assert.equal(second.checked, 0);
  assert.deepEqual(second.snapshot.documents, first.snapshot.documents);
});

test('an edited file is read anew, the others are not', async (context) => {
  const { write, start } = runs(context);
  write('a.yaml', hook('one'));
  write('b.yaml', hook('two'));
  await start();
  write('b.yaml', hook('three'));
  const { checked, snapshot } = await start();
  assert.equal(checked, 1);
  assert.deepEqual(
    snapshot.documents.map(({ name }) => name),
    ['one', 'three'],
  );
  assert.equal((await start()).checked, 0, 'the new reading is kept, too');
});

test('the same text under another name is another file', async (context) => {
  const { write, start } = runs(context);
  write('a.yaml', hook('one').replace(/code: \|\n.*\n/, 'codeFrom: { file: one.lua }\n'));
  await start();
  write('b.yaml', hook('one').replace(/code: \|\n.*\n/, 'codeFrom: { file: one.lua }\n'));
  assert.equal((await start()).checked, 1);
});

test('a file with a mistake says it at every start', async (context) => {
  const { write, start } = runs(context);
  write('a.yaml', `${hook('one')}---\n${hook('two', '  trigers: []\n')}`);
  const first = await start();
  const second = await start();
  assert.equal(first.snapshot.diagnostics.length, 1);
  assert.deepEqual(second.snapshot.diagnostics, first.snapshot.diagnostics);
  assert.equal(second.checked, 2);
});

test('values of Secrets and ConfigMaps are not kept', async (context) => {
  const { write, start, cache } = runs(context);
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: keys }\nstringData: { key: do-not-keep-this }\n`;
  write('a.yaml', `${hook('one')}---\n${secret}`);
  write('b.yaml', hook('control'));
  const first = await start();
  const text = readFileSync(cache, 'utf8');
  assert.doesNotMatch(text, /do-not-keep-this/);
  assert.match(text, /control/, 'the file is what would hold it');
  assert.deepEqual((await start()).snapshot.documents, first.snapshot.documents);
});

test('a line that was changed is not believed', async (context) => {
  const { write, start, cache } = runs(context);
  write('a.yaml', hook('one'));
  await start();
  const text = readFileSync(cache, 'utf8');
  writeFileSync(cache, text.replace('"open":{}', '"evil":{}'));
  assert.notEqual(readFileSync(cache, 'utf8'), text);
  const { checked, snapshot } = await start();
  assert.equal(checked, 1);
  assert.equal(JSON.stringify(snapshot.documents).includes('evil'), false);
});

test('what another version of the program has read is read anew', async (context) => {
  const { write, start, cache } = runs(context);
  write('a.yaml', hook('one'));
  await start();
  writeFileSync(
    cache,
    readFileSync(cache, 'utf8').replace(/^./, (first) => (first === '0' ? '1' : '0')),
  );
  assert.equal((await start()).checked, 1);
});

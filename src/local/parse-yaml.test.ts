import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from './diagnostic.ts';
import { parseYaml } from './parse-yaml.ts';

const mistakesOf = (text: string): readonly string[] => parseYaml('f.yaml', text).mistakes.map(formatDiagnostic);
const versionsOf = (text: string): readonly string[] =>
  parseYaml('f.yaml', text).documents.flatMap((document) => document.checkVersions().map(formatDiagnostic));

test('several documents are read, empty ones and comments are nothing', () => {
  const { documents, mistakes } = parseYaml(
    'f.yaml',
    '# head\n---\na: 1\n---\n---\n# only a comment\n---\nb: 2\n...\n',
  );
  assert.deepEqual(
    documents.map(({ value }) => value),
    [{ a: 1 }, { b: 2 }],
  );
  assert.deepEqual(mistakes, []);
});

test('a broken document is named by its line and the others are read', () => {
  const { documents, mistakes } = parseYaml('f.yaml', 'a: 1\n---\nb: "open\nc: 2\n---\nd: 3\n');
  assert.deepEqual(
    documents.map(({ value }) => value),
    [{ a: 1 }, { d: 3 }],
  );
  assert.equal(mistakes.length, 1);
  assert.match(formatDiagnostic(mistakes[0]!), /^f\.yaml:[345]:\d+: error: missing closing "quote/);
});

test('keys that are one in JSON stand twice, whatever they are in YAML', () => {
  const mistakesOf = (text: string): readonly (readonly [number, number])[] =>
    parseYaml('f.yaml', text).mistakes.map(({ line = 0, column = 0 }) => [line, column] as const);
  assert.deepEqual(mistakesOf('a: { 1: x, "1": y }\n'), [[1, 12]]);
  assert.deepEqual(mistakesOf('a: { b: x }\nc:\n  - { b: y, d: { b: z } }\n  - { b: y }\n'), [], 'control');
});

// With the square of the time it would take a minute.
test('a map of very many keys is read', { timeout: 20_000 }, () => {
  const lines = Array.from({ length: 80_000 }, (_, index) => `  key-${index}: value\n`);
  assert.equal(parseYaml('f.yaml', `data:\n${lines.join('')}`).documents.length, 1);
});

test('a tab as indentation, a key that stands twice and an unknown tag are said in plain words', () => {
  assert.deepEqual(mistakesOf('a:\n\tb: 1\n'), [
    'f.yaml:2:1: error: a tab as indentation (YAML is indented with spaces)',
  ]);
  assert.deepEqual(mistakesOf('a:\n  b: |\n    text\n\tc: 1\n'), [
    'f.yaml:4:1: error: a tab as indentation (YAML is indented with spaces)',
  ]);
  assert.deepEqual(mistakesOf('a: 1\nb: 2\na: 3\n'), [
    'f.yaml:3:1: error: this key stands twice in the same map (remove one of them)',
  ]);
  assert.match(mistakesOf('a: !secret x\n')[0] ?? '', /^f\.yaml:1:4: error: an unknown tag: .*\(remove the tag\)$/);
});

test('text that YAML takes for something else is said in plain words, with how to write it', () => {
  assert.deepEqual(mistakesOf('a: 1\ncode: return { a: b }\n'), [
    'f.yaml:2:7: error: a second `: ` in a line that is not in quotes (put the text in quotes, or below `|` on lines of its own)',
  ]);
  assert.deepEqual(mistakesOf('a: &a 1\nb: *a\nc: *.example.com\n'), [
    'f.yaml:3:4: error: the alias *.example.com has no anchor (set the anchor &.example.com before it; a text that begins with * stands in quotes)',
  ]);
});

test('what is no YAML at all is said by what stands there, with what to do', () => {
  for (const [text, expected] of [
    ['a: 1\n<<<<<<< HEAD\nb: 2\n', '2:1: error: a mark of a merge that is not settled (choose one of the two sides)'],
    ['a: 1\n{{- if .x }}\nb: 2\n', '2:1: error: a template (only the YAML it makes can be read'],
    ['a: 1\nkind:X\nb: 2\n', '2:1: error: a key without a space after its `:` (write a space'],
    ['----\na: 1\n', '1:1: error: a line of dashes (exactly three'],
    ['--- a: 1\nb: 2\n', '1:5: error: text after `---` (begin the document on the next line)'],
    ['a:\n\u00a0\u00a0b: x\n  c: y\n', ': error: a blank that is none to YAML (indent with ordinary spaces)'],
    ['a: 1\rb: 2\r', '1:4: error: line ends of a kind that YAML does not have'],
    ['a:\n  - b: 1\n   c: 2\n', ': error: this line is not indented as those beside it (give all'],
    ['cron: * * * * *\n', '1:7: error: a text that begins with `*` is an alias to YAML (put it in quotes)'],
    ['a: 1\njust words\nb: 2\n', '2:1: error: a line that is not `key: value` (longer text stands in quotes'],
  ] as const) {
    const [line = 'none'] = mistakesOf(text);
    assert.ok(line.startsWith('f.yaml:') && line.includes(expected), `${JSON.stringify(text)}: ${line}`);
  }
  // Control: what only looks like one of them is text.
  assert.deepEqual(mistakesOf('a: "{{ x }}"\nb: |\n  <<<<<<< HEAD\n  kind:X\nc: d:e\n'), []);
});

test('control characters are refused, as kubectl does: a file that was zeroed is no YAML of something else', () => {
  assert.deepEqual(mistakesOf('\0\0\0\0'), [
    'f.yaml:1:1: error: the control character U+0000, which YAML does not have (remove it; in Lua it is written as an escape, such as \\0)',
  ]);
  assert.match(mistakesOf('a: |\n  x\u001b[0m\n')[0] ?? '', /^f\.yaml:2:4: error: the control character U\+001B/);
  assert.deepEqual(mistakesOf('a: "\t\u00e9 \u{1F600} \\0"\r\nb: 1\r\n'), []);
});

test('scalars that YAML 1.1 and 1.2 read differently are refused at their place, in keys and values', () => {
  const text = 'a: 1\n---\nkind: X\non: push\nmode: 0777\nlist: [yes, "no", \'off\', 1:30]\n';
  assert.deepEqual(mistakesOf(text), []);
  assert.deepEqual(
    versionsOf(text).map((line) => line.replace(/: error: `([^`]+)`.*/, ' $1')),
    ['f.yaml:4:1 on', 'f.yaml:5:7 0777', 'f.yaml:6:8 yes', 'f.yaml:6:26 1:30'],
  );
  assert.match(versionsOf('x: on\n')[0] ?? '', /write "on" for the text, true for the value/);
});

test('merge keys are refused, and a text in a block is never mistaken for a scalar', () => {
  assert.match(versionsOf('base: &b { a: 1 }\nx:\n  <<: *b\n')[0] ?? '', /^f\.yaml:3:3: error: the merge key/);
  assert.deepEqual(versionsOf('code: |\n  on\nother: >\n  yes\n'), []);
});

test('aliases are bounded: a document that would grow without end is refused quickly', () => {
  assert.deepEqual(parseYaml('f.yaml', 'a: &x [1, 2]\nb: *x\n').documents[0]?.value, { a: [1, 2], b: [1, 2] });
  const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}]`);
  assert.match(mistakesOf(`l0: &l0 [x]\n${levels.join('\n')}\n`)[0] ?? '', /cannot be read: Excessive alias count/);
  assert.match(mistakesOf(`a: &x 1\nb: [${'*x, '.repeat(101)}]\n`)[0] ?? '', /more than 100 aliases/);
  assert.match(mistakesOf('a: &x [*x]\n')[0] ?? '', /f\.yaml:1:8: error: an alias inside its own anchor/);
});

test('nesting is bounded', () => {
  for (const depth of [101, 20_000]) {
    assert.match(mistakesOf(`a: ${'['.repeat(depth)}${']'.repeat(depth)}\n`)[0] ?? '', /nested deeper than 100 levels/);
  }
  assert.deepEqual(mistakesOf(`a: ${'['.repeat(90)}${']'.repeat(90)}\n`), []);
});

test('another YAML version and characters that only YAML 1.1 reads as line breaks are refused', () => {
  assert.match(mistakesOf('%YAML 1.1\n---\na: 1\n')[0] ?? '', /^f\.yaml:1:1: error: YAML directives are not read/);
  assert.deepEqual(mistakesOf('# head\n%YAML 1.2\n---\na: 1\n'), []);
  assert.match(mistakesOf('a: "x\u2028y"\n')[0] ?? '', /^f\.yaml:1:6: error: the character after/);
});

test('the place of a field is that of its key, or of its nearest ancestor when it is missing', () => {
  const [document] = parseYaml('f.yaml', '---\nspec:\n  triggers:\n    - name: a\n      http: { path: x }\n').documents;
  const places = document!.places;
  assert.deepEqual(places.placeOf(['spec', 'triggers', 0, 'http', 'path']), { line: 5, column: 15 });
  assert.deepEqual(places.placeOf(['spec', 'triggers', 0]), { line: 4, column: 7 });
  assert.deepEqual(places.placeOf(['spec', 'triggers', 0, 'http', 'receiver']), { line: 5, column: 7 });
  assert.deepEqual(places.placeOf(['spec', 'triggers', 7]), { line: 3, column: 3 });
  assert.deepEqual(places.placeOf([]), { line: 2, column: 1 });
  for (const path of [['spec', 'triggers', 0, 'http', 'path'], ['spec', 'triggers', 7], []]) {
    assert.deepEqual(document!.laterPlaces.placeOf(path), places.placeOf(path), 'found again from the text alone');
  }
});

test('lines of code map to lines of the file where the scalar keeps its lines', () => {
  const originOf = (text: string): unknown =>
    parseYaml('f.yaml', text).documents[0]?.places.textOrigin(['spec', 'code']);
  assert.deepEqual(originOf('spec:\n  code: |\n    return 1\n    x\n'), { lineOffset: 2, columnOffset: 4 });
  assert.deepEqual(originOf('spec:\n  code: |-\n\n      return 1\n'), { lineOffset: 2, columnOffset: 6 });
  assert.deepEqual(originOf('spec:\n  code: |2\n      return 1\n'), { lineOffset: 2, columnOffset: 4 });
  assert.deepEqual(originOf('spec:\n  code: return 1\n'), { lineOffset: 1, columnOffset: 8 });
  assert.deepEqual(originOf('spec:\n  code: "return 1"\n'), { lineOffset: 1, columnOffset: 9 });
  assert.equal(originOf('spec:\n  code: "return\\n1"\n'), undefined);
  assert.equal(originOf('spec:\n  code: >\n    return\n    1\n'), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from './diagnostic.ts';
import { parseEnvFile } from './env-file.ts';

const read = (text: string): Record<string, string> => {
  const { entries, mistakes } = parseEnvFile('.env', text);
  assert.deepEqual(mistakes, []);
  return Object.fromEntries(entries);
};
const mistakesOf = (text: string): readonly string[] => parseEnvFile('.env', text).mistakes.map(formatDiagnostic);

test('a line names a key of a Secret and its value', () => {
  assert.deepEqual(read('# secrets\n\ngithub.token=abc=def\nexport slack.url = https://x#y # chat\nempty.key=\n'), {
    'github.token': 'abc=def',
    'slack.url': 'https://x#y',
    'empty.key': '',
  });
  assert.deepEqual(read('\uFEFFa.b=1\r\nc.d=2\r\n'), { 'a.b': '1', 'c.d': '2' });
});

test('quotes keep spaces, marks and lines as dotenv files do', () => {
  assert.deepEqual(
    read(`a.one='x # "y" \\n'\na.two=" s\\tp\\n\\"q\\" \\$ \\\\ \\d " # note\na.three='l1\nl2'\na.four=z\n`),
    {
      'a.one': 'x # "y" \\n',
      'a.two': ' s\tp\n"q" $ \\ \\d ',
      'a.three': 'l1\nl2',
      'a.four': 'z',
    },
  );
});

test('mistakes carry their line and never a value', () => {
  const secret = 's3cret-value-0123456789abcdef';
  const lines = mistakesOf(
    `a.b="x\ny"\ntoken\nTOKEN=${secret}\nGithub.x=${secret}\na.b=${secret}\nq.x='a' ${secret}\nz.y='${secret}\n`,
  );
  assert.deepEqual(
    lines.map((line) => line.replace(/ \(.*/, '')),
    [
      '.env:3: error: a line without `=`',
      '.env:4: error: `TOKEN` does not name a key of a Secret',
      '.env:5: error: `Github.x` does not name a key of a Secret',
      '.env:6: error: `a.b` stands twice',
      '.env:7: error: q.x: text after the closing quote',
      ".env:8: error: z.y: the quote ' is never closed",
    ],
  );
  assert.deepEqual(mistakesOf('=x\na b.c=x\n'), [
    '.env:1: error: what stands before `=` is not a name (write SECRET.KEY=VALUE)',
    '.env:2: error: what stands before `=` is not a name (write SECRET.KEY=VALUE)',
  ]);
  for (const line of lines) assert.ok(!line.includes(secret), line);
  assert.deepEqual(parseEnvFile('.env', `a.b=1\nbad\nc.d=2\n`).entries.size, 2);
});

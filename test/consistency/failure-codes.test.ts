/** The catalogue of failures is what the program answers: a code that nothing gives is a promise to whoever waits for it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../src/failures/catalogue.ts';

test('every failure code is given somewhere in the source', () => {
  const source = join(import.meta.dirname, '..', '..', 'src');
  const files = globSync('**/*.ts', { cwd: source, exclude: ['**/*.test.ts', 'failures/catalogue.ts'] });
  const text = files.map((file) => readFileSync(join(source, file), 'utf8')).join('\n');
  assert.deepEqual(
    Object.keys(catalogue).filter((code) => !text.includes(`'${code}'`)),
    [],
  );
  assert.ok(!text.includes("'NoSuchCode'"), 'control: a code that nobody gives is noticed');
});

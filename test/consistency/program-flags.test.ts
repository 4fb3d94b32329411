/** Node's flags of the program stand where it is started: all of them are those of `bin/moonhook`, which says why. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

/** One list for each start: from the first flag to the `--` before the program. */
function startsIn(file: string): readonly (readonly string[])[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/--v8-pool-size.*?(?=[\s'"]--[\s'"])/gs)].map(
    ([start]) => start.match(/--[a-z][^\s'",\\]*/g) ?? [],
  );
}

const [wanted] = startsIn('bin/moonhook');

for (const [file, starts] of [
  ['scripts/run.mjs', 1],
  // The caches of the image are filled with the flags of its entry point, or Node would not take them.
  ['Dockerfile', 2],
] as const) {
  test(`${file} starts the program with the flags of bin/moonhook`, () => {
    assert.ok(wanted !== undefined && wanted.length > 3);
    assert.deepEqual(
      startsIn(file),
      Array.from({ length: starts }, () => wanted),
    );
  });
}

/** Whoever asks why something is dead finds the reason in the guide: callers get it as a code with their callback. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('every reason of a dead delivery stands in the guide', () => {
  const cwd = join(root, 'src');
  const files = globSync('{delivery,runtime,function}/**/*.ts', { cwd, exclude: ['**/*.test.ts'] });
  const reasons = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(cwd, file), 'utf8');
    // Beside the kind of an ending, put in later, or chosen between two.
    const written = [
      /kind: 'dead',\s*reason: '(\w+)'/g,
      /\.\.\.ended, reason: '(\w+)'/g,
      /const reason = .*\? '(\w+)' : '(\w+)'/g,
      /reason: '(\w+Error)' \| '(\w+Error)'/g,
    ];
    for (const pattern of written)
      for (const [, ...found] of text.matchAll(pattern)) for (const reason of found) if (reason) reasons.add(reason);
  }
  assert.ok(['StatusRefused', 'QuotaExceeded', 'Redirected', 'TransformError'].every((each) => reasons.has(each)));
  const guide = readFileSync(join(root, 'docs', 'guide', 'delivery.md'), 'utf8');
  const rows = guide.split('\n').filter((line) => line.startsWith('| `'));
  assert.deepEqual(
    [...reasons].filter((reason) => !rows.some((row) => row.split('|')[1]?.includes(`\`${reason}\``))),
    [],
  );
});

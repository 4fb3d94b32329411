import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { conditionReasons } from '../../src/function/reasons.ts';

const source = join(import.meta.dirname, '..', '..', 'src');

function sourceOf(folder: string): string {
  return readdirSync(join(source, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(source, folder, name), 'utf8'))
    .join('\n');
}

/** Where conditions are decided: the build, its inputs, and the runtimes' acknowledgements. */
const routing = sourceOf('routing');
/** How the receivers of subscriptions do. */
const health = readFileSync(join(source, 'controller', 'desired-status.ts'), 'utf8');
/** What a namespace left behind in another group of runtimes. */
const moves = readFileSync(join(source, 'controller', 'judge-move.ts'), 'utf8');
const deciding = [
  routing,
  sourceOf('policy'),
  sourceOf('local'),
  sourceOf('runtime'),
  readFileSync(join(source, 'receivers', 'check-secrets.ts'), 'utf8'),
  readFileSync(join(source, 'function', 'schema-status.ts'), 'utf8'),
  health,
  moves,
].join('\n');

test('every reason the build gives is in the catalogue', () => {
  const given = [...routing.matchAll(/\b(?:notAccepted|notResolved|refused)\(\s*'([A-Za-z]+)'/g)].map(
    ([, reason = '']) => reason,
  );
  const conditions = readFileSync(join(source, 'routing', 'conditions.ts'), 'utf8');
  const summarised = [...conditions.matchAll(/reason: '([A-Za-z]+)'/g)].map(([, reason = '']) => reason);
  const told = [...`${health}\n${moves}`.matchAll(/(?:reason|Gone|OnlyFailures): '([A-Za-z]+)'/g)].map(
    ([, reason = '']) => reason,
  );
  // The control: the patterns still find what they look for.
  assert.ok(given.length > 15 && summarised.length > 5 && told.length === 6);
  const unknown = [...new Set([...given, ...summarised, ...told])].filter(
    (reason) => !Object.hasOwn(conditionReasons, reason),
  );
  assert.deepEqual(unknown, []);
});

test('every reason of the catalogue is given somewhere', () => {
  /** Made of the kind of an object: `${kind}NotFound`, `${kind}KeyNotFound`. The controller gives the last two. */
  const made = /^(Secret|ConfigMap|ServiceAccount)(Key)?NotFound$|^Forbidden$/;
  const unused = Object.keys(conditionReasons).filter(
    (reason) => !made.test(reason) && !deciding.includes(`'${reason}'`),
  );
  assert.deepEqual(unused, []);
});

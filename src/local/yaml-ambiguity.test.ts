import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, constantFrom, property, string } from 'fast-check';
import { parse } from 'yaml';
import { findAmbiguity } from './yaml-ambiguity.ts';

const read = (source: string, version: '1.1' | '1.2'): unknown => {
  const value: unknown = parse(source, { version, logLevel: 'silent', merge: false });
  return value instanceof Date ? `date ${value.toISOString()}` : value;
};

const ambiguous = (
  'on On off OFF yes Yes no NO y Y n N 0777 -010 0o17 0b101 1_000 1_0.5 +0x1f 0x_1f 1:30 -1:30:00 190:20:30.15 1e3 1E5 1.5e3 ' +
  '2001-12-14 2001-12-14t21:59:43.10-05:00'
)
  .split(' ')
  .concat('2026-01-01 10:00:00');

const clear = (
  'true False null ~ 7 -7 0 0.5 1.5 .5 0x1f .inf .nan 1.5e+3 hello 10s 16Mi v1 1.2.3 on-push nope 12:30:99 2001-13 a_b 3e 0x ' +
  'deploy'
)
  .split(' ')
  .concat('');

test('scalars that the two versions read differently are found, with both readings and what to write', () => {
  for (const source of ambiguous) {
    const found = findAmbiguity(source);
    assert.ok(found, source);
    assert.match(found.message, /YAML 1\.1/);
    assert.match(found.hint, /^write "/, source);
  }
});

test('scalars that both versions read alike pass', () => {
  for (const source of clear) assert.equal(findAmbiguity(source), undefined, source);
});

test('the hint for a leading zero is the decimal number', () => {
  assert.match(findAmbiguity('0777')?.hint ?? '', /, 777 for the number$/);
});

test('whatever the library reads differently under its two schemas is found', () => {
  const letters = string({
    unit: constantFrom(...Array.from('0123456789+-_.:xobeEfntyYosTZ ')),
    minLength: 1,
    maxLength: 8,
  });
  check(
    property(letters, (text) => {
      const source = text.trim();
      // The library reads a mantissa without digits as NaN under 1.1; no other program does.
      if (/^[-+]?\.?(?:[eE][-+]?[0-9]+)?$/.test(source)) return;
      let [old, current]: unknown[] = [undefined, undefined];
      try {
        [old, current] = [read(source, '1.1'), read(source, '1.2')];
      } catch {
        return;
      }
      // Only scalars that stayed the scalar we gave: `- x` is a list, `a: b` a map.
      if (typeof old === 'object' || typeof current === 'object') return;
      if (!Object.is(old, current)) assert.ok(findAmbiguity(source), source);
    }),
    { numRuns: 3000, examples: ambiguous.map((source): [string] => [source]) },
  );
});

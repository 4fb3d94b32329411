import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeaderLines } from './header-lines.ts';

const raw = ['Host', 'a', 'X-Signature', 'one', 'x-signature', 'two', 'X-SIGNATURE', 'three', 'Empty', ''];

describe('header lines', () => {
  test('answer a name in lower case, before and after the table was made', () => {
    const lines = new HeaderLines(raw);
    for (const made of [false, true]) {
      if (made) assert.equal(lines.size, 3);
      assert.deepEqual(lines.get('x-signature'), ['one', 'two', 'three']);
      assert.deepEqual(lines.get('empty'), ['']);
      assert.equal(lines.get('missing'), undefined);
      assert.equal(lines.get('x-signaturE'), undefined);
      assert.deepEqual([lines.has('host'), lines.has('empty'), lines.has('missing')], [true, true, false]);
      assert.deepEqual([lines.first('x-signature'), lines.first('missing')], ['one', undefined]);
    }
  });

  test('are gone through as a map is', () => {
    const expected: [string, string[]][] = [
      ['host', ['a']],
      ['x-signature', ['one', 'two', 'three']],
      ['empty', ['']],
    ];
    assert.deepEqual([...new HeaderLines(raw)], expected);
    assert.deepEqual([...new HeaderLines(raw).entries()], expected);
    assert.deepEqual([...new HeaderLines(raw).keys()], ['host', 'x-signature', 'empty']);
    assert.deepEqual(
      [...new HeaderLines(raw).values()],
      expected.map(([, values]) => values),
    );
    const seen: unknown[] = [];
    new HeaderLines(raw).forEach((values, name) => seen.push([name, values]));
    assert.deepEqual(seen, expected);
  });

  test('a name without a value is none', () => {
    assert.deepEqual([...new HeaderLines(['Host', 'a', 'Cut'])], [['host', ['a']]]);
    assert.equal(new HeaderLines(['Host', 'a', 'Cut']).get('cut'), undefined);
  });
});

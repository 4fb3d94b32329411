import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PathTable } from './path-table.ts';

interface Named {
  readonly text: string;
}

const tableOf = (texts: readonly string[]): PathTable<Named> => {
  const table = new PathTable<Named>();
  for (const text of texts) table.set({ text });
  return table;
};

/** Another string with the same letters, as a request brings it. */
const arrived = (text: string): string => Buffer.from(text).toString('latin1');

describe('a table of paths', () => {
  it('finds nearly all of ten thousand, each by its own text, and nothing by another', () => {
    const texts = Array.from({ length: 10_000 }, (_, index) => `/team-${index % 7}/hook-${index}`);
    const table = tableOf(texts);
    const found = texts.filter((text) => {
      const value = table.get(arrived(text));
      assert.ok(value === undefined || ('text' in value && value.text === text));
      return value !== undefined;
    });
    assert.ok(found.length > 9900, `${found.length} found`);
    for (const text of texts) assert.equal(table.get(`${text}0x`), undefined);
  });

  it('has what was set last under a text, and nothing that was deleted', () => {
    const table = tableOf(['/a/x', '/a/y']);
    const kept = [{ text: '/a/z' }, { text: '/a/z' }];
    table.set(kept);
    const other = { text: '/a/y' };
    table.set(other);
    assert.equal(table.get('/a/y'), other);
    table.delete('/a/y');
    table.delete('/a/y');
    assert.equal(table.get('/a/y'), undefined);
    assert.equal(table.get('/a/z'), kept);
    for (let round = 0; round < 1000; round += 1) {
      const value = { text: `/b/${round}` };
      table.set(value);
      assert.equal(table.get(`/b/${round}`), value);
      table.delete(`/b/${round}`);
    }
    assert.equal(table.get('/a/z'), kept);
  });

  it('leaves out those for which its places do not suffice, instead of looking further', () => {
    // Only the end of a long text is hashed.
    const texts = Array.from({ length: 100 }, (_, index) => `/${100 + index}${'/same'.repeat(10)}`);
    const table = tableOf(texts);
    const found = texts.filter((text) => table.get(text) !== undefined);
    assert.equal(found.length, 12);
    assert.notEqual(tableOf(texts.slice(50)).get(texts[50] as string), undefined);
  });
});

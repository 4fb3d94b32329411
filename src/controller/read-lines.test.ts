import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLines } from './read-lines.ts';

async function linesOf(chunks: readonly Uint8Array[]): Promise<readonly string[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of readLines(source())) lines.push(line);
  return lines;
}

test('lines come whole, however the bytes are cut', async () => {
  const bytes = Buffer.from('{"a":"ü😀"}\n{"b":2}\n\n{"c":3}\n');
  for (let size = 1; size <= bytes.length; size += 1) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(await linesOf(chunks), ['{"a":"ü😀"}', '{"b":2}', '{"c":3}']);
  }
});

test('half a line at the end is none', async () => {
  assert.deepEqual(await linesOf([Buffer.from('{"a":1}\n{"b"')]), ['{"a":1}']);
});

test('a line without an end is given up before it fills the memory', async () => {
  const piece = Buffer.alloc(16 * 1024 * 1024, 'x');
  await assert.rejects(linesOf([piece, piece, piece, piece, piece]), /longer than/);
});

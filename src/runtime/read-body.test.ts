import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ReadingBudget, readBody, type BodyResult } from './read-body.ts';
import { RequestHead } from './request-head.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const nextTurn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

async function read(chunks: readonly number[]): Promise<{ result: BodyResult; kept: number }> {
  const request = new PassThrough();
  const result = Promise.withResolvers<BodyResult>();
  const head = new RequestHead(['Host', 'one.example', 'Transfer-Encoding', 'chunked']);
  const asMessage = request as unknown as IncomingMessage;
  readBody(asMessage, head, 1_000_000, 'here', new ReadingBudget(1_000_000, 1_000_000), result.resolve);
  const pieces: WeakRef<Buffer>[] = [];
  for (const [index, length] of chunks.entries()) {
    const piece = Buffer.alloc(length, index % 251);
    pieces.push(new WeakRef(piece));
    request.emit('data', piece);
  }
  await nextTurn();
  collect();
  const kept = pieces.filter((each) => each.deref() !== undefined).length;
  request.emit('end');
  return { result: await result.promise, kept };
}

const bodyOf = (chunks: readonly number[]): Buffer =>
  Buffer.concat(chunks.map((length, index) => Buffer.alloc(length, index % 251)));

test('a body in pieces of a byte does not stay in pieces while it is read', async () => {
  const tiny = Array.from({ length: 20_000 }, () => 1);
  const { result, kept } = await read(tiny);
  assert.ok(result.ok && Buffer.from(result.body).equals(bodyOf(tiny)));
  assert.ok(kept < 10, `${kept} pieces are kept`);
  const large = [60_000, 60_000, 60_000];
  const whole = await read(large);
  assert.equal(whole.kept, 3, 'control: large ones are kept as they are');
  assert.ok(whole.result.ok && Buffer.from(whole.result.body).equals(bodyOf(large)));
});

test('a body of one piece, of none and of mixed ones is what was sent', async () => {
  for (const chunks of [[], [5], [0, 3], [1, 60_000, 2, 0, 4_097, 4_096]]) {
    const { result } = await read(chunks);
    assert.ok(result.ok && Buffer.from(result.body).equals(bodyOf(chunks)), chunks.join(' '));
  }
});

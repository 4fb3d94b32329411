import assert from 'node:assert/strict';
import { PassThrough, type Duplex } from 'node:stream';
import { suite, test } from 'node:test';
import { ReadTurns } from './read-turns.ts';

/** Reads as an HTTP parser does: all there is, in a loop; each byte costs so much of the clock. */
function readAll(socket: Duplex, read: (bytes: number) => void): void {
  socket.on('readable', () => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      read(chunk.length);
    }
  });
}

interface Reading {
  readonly socket: PassThrough;
  read: number;
}

function start(costPerByte: number, count: number) {
  let now = 0;
  let next: (() => void) | undefined;
  const turns = new ReadTurns(
    () => now,
    (callback) => void (next = callback),
  );
  const readings = Array.from({ length: count }, (): Reading => {
    const socket = new PassThrough({ highWaterMark: 2 ** 30 });
    const reading = { socket, read: 0 };
    turns.pace(socket);
    readAll(socket, (bytes) => {
      reading.read += bytes;
      now += bytes * costPerByte;
    });
    return reading;
  });
  /** Answers the time it took. */
  const turn = (): number => {
    const before = now;
    const callback = next;
    next = undefined;
    callback?.();
    return now - before;
  };
  return { readings, turn, idle: () => next === undefined, spent: () => now };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const body = Buffer.alloc(1_000_000, 120);

suite('sockets that are read in turns', () => {
  test('hold the thread for a few milliseconds in each, however costly what they say is, and all come to their end', async () => {
    const { readings, turn, idle, spent } = start(0.001, 4);
    const ends: number[] = [];
    for (const [index, { socket }] of readings.entries()) {
      socket.on('end', () => ends.push(index));
      socket.end(body);
    }
    await settled();
    assert.ok(spent() < 80, `${spent()} ms before the first turn`);
    let turns = 0;
    let worst = 0;
    while (!idle() && turns < 10_000) {
      const took = turn();
      turns += 1;
      // By then it is known what the pieces cost.
      if (turns > 40) worst = Math.max(worst, took);
      if (turns === 200) {
        const read = readings.map((each) => each.read);
        assert.ok(Math.min(...read) > 0.5 * Math.max(...read), `in turns: ${read.join(' ')}`);
      }
      await settled();
    }
    assert.deepEqual(
      readings.map(({ read }) => read),
      [1_000_000, 1_000_000, 1_000_000, 1_000_000],
    );
    assert.equal(ends.length, 4);
    assert.ok(worst < 4, `${worst} ms in one turn`);
    assert.ok(turns > 1_000, `${turns} turns for 4,000 ms of work`);
  });

  test('give all there is at once where it costs little', async () => {
    const { readings, spent } = start(0.000_000_1, 2);
    for (const { socket } of readings) socket.write(body);
    await settled();
    assert.deepEqual(
      readings.map(({ read }) => read),
      [1_000_000, 1_000_000],
      'control',
    );
    assert.ok(spent() < 1);
  });

  test('leave one that was destroyed alone', async () => {
    const { readings, turn, idle } = start(0.01, 2);
    for (const { socket } of readings) socket.write(body);
    await settled();
    readings[0]?.socket.destroy();
    const before = readings[0]?.read;
    for (let turns = 0; !idle() && turns < 20_000; turns += 1) turn();
    assert.deepEqual([readings[0]?.read, readings[1]?.read], [before, 1_000_000]);
  });
});

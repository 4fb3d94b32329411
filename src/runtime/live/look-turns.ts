/** One after the other, and never more than a fifth of the time: those who only look leave the store to those who work. */

export interface Turns {
  take<Value>(look: () => Promise<Value>): Promise<Value>;
  /** Nobody has to wait any more. */
  close(): void;
}

/** Of the duration of a look the store rests so many times. */
const restFactor = 4;
const longestRestMs = 10_000;

export function createTurns({
  after,
  now,
}: {
  after(milliseconds: number, callback: () => void): () => void;
  /** Monotonic milliseconds. */
  now(): number;
}): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let freeAt = 0;
  const resting = new Set<() => void>();

  function rest(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        resting.delete(done);
        resolve();
      };
      const stop = after(milliseconds, done);
      resting.add(done);
    });
  }

  return {
    take(look) {
      const turn = last.then(async () => {
        await rest(freeAt - now());
        const began = now();
        try {
          return await look();
        } finally {
          freeAt = now() + Math.min((now() - began) * restFactor, longestRestMs);
        }
      });
      // A look that failed is no matter of the next one.
      last = turn.catch(() => undefined);
      return turn;
    },
    close() {
      for (const done of resting) done();
    },
  };
}

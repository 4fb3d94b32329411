/**
 * One after the other, and never more than a fifth of the time: those who only look leave the store to those who work. Whoever
 * has many looks waits for his own: owners take turns.
 */

export interface Turns {
  /** Undefined: when its turn came nobody wanted it any more. */
  take<Value>(owner: string, look: () => Promise<Value>, isWanted?: () => boolean): Promise<Value | undefined>;
  /** Nobody has to wait any more. */
  close(): void;
}

/** Of the duration of a look the store rests so many times. */
const restFactor = 4;
const longestRestMs = 10_000;

interface Waiting {
  isWanted(): boolean;
  /** Never rejects. */
  look(): Promise<void>;
  skip(): void;
}

export function createTurns({
  after,
  now,
}: {
  after(milliseconds: number, callback: () => void): () => void;
  /** Monotonic milliseconds. */
  now(): number;
}): Turns {
  /** By owner; the one whose turn is next first. */
  const waiting = new Map<string, Waiting[]>();
  let works = false;
  let closed = false;
  let freeAt = 0;
  let endRest: (() => void) | undefined;

  function rest(milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        endRest = undefined;
        resolve();
      };
      const stop = after(milliseconds, done);
      endRest = done;
    });
  }

  function next(): Waiting | undefined {
    for (const [owner, own] of waiting) {
      waiting.delete(owner);
      for (let first = own.shift(); first !== undefined; first = own.shift()) {
        if (!first.isWanted()) {
          first.skip();
          continue;
        }
        if (own.length > 0) waiting.set(owner, own);
        return first;
      }
    }
    return undefined;
  }

  async function work(): Promise<void> {
    if (works) return;
    works = true;
    while (waiting.size > 0) {
      await rest(freeAt - now());
      const turn = next();
      if (turn === undefined) break;
      await turn.look();
    }
    works = false;
  }

  async function timed<Value>(look: () => Promise<Value>): Promise<Value> {
    const began = now();
    try {
      return await look();
    } finally {
      freeAt = now() + Math.min((now() - began) * restFactor, longestRestMs);
    }
  }

  return {
    take(owner, look, isWanted = () => true) {
      return new Promise((resolve, reject) => {
        const own = waiting.get(owner) ?? [];
        own.push({ isWanted, look: () => timed(look).then(resolve, reject), skip: () => resolve(undefined) });
        waiting.set(owner, own);
        void work();
      });
    },
    close() {
      closed = true;
      endRest?.();
    },
  };
}

/** A bound on what is under way for everybody together, and for each asker: who waits is let in asker by asker. */

export interface TurnLimits {
  /** Under way at once. */
  readonly most: number;
  readonly mostOfOne: number;
  /** Waiting at once. */
  readonly mostWaiting: number;
  readonly mostWaitingOfOne: number;
}

export interface FairTurns {
  /** Resolves with what ends the turn; undefined: too many wait already. */
  take(asker: string): Promise<(() => void) | undefined>;
}

interface Asker {
  running: number;
  readonly waiting: (() => void)[];
}

export function createFairTurns({ most, mostOfOne, mostWaiting, mostWaitingOfOne }: TurnLimits): FairTurns {
  /** Those with anything under way or waiting; who was let in last is at the end. */
  const askers = new Map<string, Asker>();
  let running = 0;
  let waiting = 0;

  function begin(name: string, asker: Asker): () => void {
    running += 1;
    asker.running += 1;
    return () => {
      running -= 1;
      asker.running -= 1;
      if (asker.running === 0 && asker.waiting.length === 0) askers.delete(name);
      letIn();
    };
  }

  function letIn(): void {
    for (const [name, asker] of askers) {
      if (running >= most) return;
      if (asker.waiting.length === 0 || asker.running >= mostOfOne) continue;
      askers.delete(name);
      askers.set(name, asker);
      waiting -= 1;
      asker.waiting.shift()?.();
    }
  }

  return {
    async take(name) {
      const asker = askers.get(name) ?? { running: 0, waiting: [] };
      const free = running < most && asker.running < mostOfOne;
      if (!free && (waiting >= mostWaiting || asker.waiting.length >= mostWaitingOfOne)) return undefined;
      askers.set(name, asker);
      if (free) return begin(name, asker);
      waiting += 1;
      return new Promise((resolve) => asker.waiting.push(() => resolve(begin(name, asker))));
    },
  };
}

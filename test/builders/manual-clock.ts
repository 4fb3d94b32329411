/** A clock that stands still until a test lets time pass. */
import type { Clock } from '../../src/controller/clock.ts';

export interface ManualClock extends Clock {
  /** Lets so many milliseconds pass; whoever wakes up meanwhile has run when this resolves. */
  pass(milliseconds: number): Promise<void>;
}

export function manualClock(startedAt = Date.UTC(2026, 0, 1)): ManualClock {
  let now = 0;
  const sleepers = new Set<{ readonly at: number; wake(): void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    wallNow: () => startedAt + now,
    random: () => 0,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { at: now + milliseconds, wake };
        sleepers.add(sleeper);
        return signal?.addEventListener('abort', wake, { once: true });
      }),
    pass: async (milliseconds) => {
      const until = now + milliseconds;
      await settle();
      for (;;) {
        const next = [...sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}

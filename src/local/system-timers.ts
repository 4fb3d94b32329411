/** The machine's timers, for whoever composes a local run. */
import type { Timers } from './watch-folder.ts';

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};

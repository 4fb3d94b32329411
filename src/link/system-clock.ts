/** The machine's clock and timers, for whoever is given neither by a test. */
import type { LinkClock } from './link-peer.ts';

export const systemClock: LinkClock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  every(milliseconds, callback) {
    const timer = setInterval(callback, milliseconds);
    return () => clearInterval(timer);
  },
};

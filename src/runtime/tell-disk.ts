/** Says in the log when the disk of the store fills up, and when there is room again: senders only see 503. */
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

const lookEveryMs = 10_000;

/** Looks at once, then now and then; answers what stops it. A store that is no file of this machine is not asked again. */
export function tellDisk(
  store: Pick<Store, 'measures'>,
  log: Pick<Logger, 'info' | 'warn'>,
  every: (milliseconds: number, callback: () => void) => () => void,
): () => void {
  let low = false;
  let stopped = false;
  async function look(): Promise<void> {
    // A store that is lost or closed is told of by whoever owns it.
    const measures = await store.measures().catch(() => undefined);
    if (measures === undefined || stopped) return;
    if (measures.freeBytes === undefined) return stop();
    if (measures.diskLow === low) return;
    low = measures.diskLow;
    const free = { freeMiB: Math.floor(measures.freeBytes / 2 ** 20) };
    if (low) {
      const why = 'the disk of the store is nearly full: events get 503 and nothing stored runs';
      log.warn(`${why}; make room where the store lies, or keep less`, free);
    } else log.info('the disk of the store has room again', free);
  }
  function stop(): void {
    stopped = true;
    stopLooking();
  }
  const stopLooking = every(lookEveryMs, () => void look());
  void look();
  return stop;
}

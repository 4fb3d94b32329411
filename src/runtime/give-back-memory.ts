/**
 * Gives memory back in a thread that has nothing to do. V8 collects when something is allocated: a thread that rests after
 * its start, or after traffic, keeps its garbage and the pages that held it.
 */
import { getHeapStatistics } from 'node:v8';
import { threadCpuMs } from '../lua/engine-options.ts';

/** What is looked at and done; real in programs, replaced in tests. */
export interface ThreadMemory {
  usedBytes(): number;
  /** Processor time since it was asked last, as a share of the time: what others use of the machine does not count. */
  busyShare(): number;
  collect(): void;
}

const lookEveryMs = 2000;
/** Above this share somebody may be waiting. */
const quietShare = 0.05;
/** Less garbage is not worth the tenth of a second that a collection of a large heap takes. */
const worthBytes = 8 * 1024 * 1024;

/** Answers what stops it. Collects once after each burst of work; undefined memory: nothing is done. */
export function giveBackMemory(
  memory: ThreadMemory | undefined,
  every: (milliseconds: number, callback: () => void) => () => void,
): () => void {
  if (memory === undefined) return () => undefined;
  let kept = 0;
  return every(lookEveryMs, () => {
    if (memory.busyShare() > quietShare || memory.usedBytes() - kept < worthBytes) return;
    memory.collect();
    kept = memory.usedBytes();
  });
}

/** Of the calling thread; undefined: the program was started without `--expose-gc`. */
export function threadMemory(): ThreadMemory | undefined {
  const collect = globalThis.gc;
  if (collect === undefined) return undefined;
  let [before, usedBefore] = [performance.now(), threadCpuMs()];
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    busyShare() {
      const [now, used] = [performance.now(), threadCpuMs()];
      const share = (used - usedBefore) / (now - before);
      [before, usedBefore] = [now, used];
      return share;
    },
    // The usual flavour keeps the freed pages for later.
    collect: () => collect({ type: 'major', flavor: 'last-resort' }),
  };
}

/**
 * Gives memory back in a thread that has nothing to do. V8 collects when something is allocated: a thread that rests after
 * its start, or after traffic, keeps its garbage and the pages that held it.
 */
import { getHeapStatistics } from 'node:v8';
import { threadCpuMs } from '../lua/engine-options.ts';

/** What is looked at and done; real in programs, replaced in tests. */
export interface ThreadMemory {
  usedBytes(): number;
  /** Since it was asked last: how much of a core the thread has used, or a quarter of the time its event loop had work, if that is more. */
  busyShare(): number;
  collect(): void;
}

const lookEveryMs = 2000;
/**
 * Quiet looks in a row before it collects again. What is not running loses its compiled code with the collection: a server that
 * had collected after each two seconds without traffic took half more processor time for each request of the next ones.
 */
const quietLooks = 15;
/** Looks after the start in which one quiet one is enough: who rests later for the first time has had traffic. */
const startLooks = 5;
/** Above this share somebody may be waiting. */
const quietShare = 0.05;
/** Less garbage is not worth the tenth of a second that a collection of a large heap takes. */
const worthBytes = 8 * 1024 * 1024;

/** Of a thread that answers no requests: nobody waits while it warms up again. */
export const looksWithoutRequests = 5;

/** Answers what stops it. Collects once after the start, and once after work that was followed by rest, half a minute unless said otherwise; undefined memory: nothing is done. */
export function giveBackMemory(
  memory: ThreadMemory | undefined,
  every: (milliseconds: number, callback: () => void) => () => void,
  looks = quietLooks,
): () => void {
  if (memory === undefined) return () => undefined;
  let kept: number | undefined;
  let quiet = 0;
  let done = 0;
  return every(lookEveryMs, () => {
    done += 1;
    quiet = memory.busyShare() > quietShare ? 0 : quiet + 1;
    const rested = quiet >= (kept === undefined && done <= startLooks ? 1 : looks);
    if (!rested || memory.usedBytes() - (kept ?? 0) < worthBytes) return;
    memory.collect();
    kept = memory.usedBytes();
  });
}

/** Of the calling thread; undefined: the program was started without `--expose-gc`. */
export function threadMemory(): ThreadMemory | undefined {
  const collect = globalThis.gc;
  if (collect === undefined) return undefined;
  let [before, usedBefore, loopBefore] = [performance.now(), threadCpuMs(), performance.eventLoopUtilization()];
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    busyShare() {
      const [now, used] = [performance.now(), threadCpuMs()];
      const loop = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(loop, loopBefore);
      const share = (used - usedBefore) / (now - before);
      [before, usedBefore, loopBefore] = [now, used, loop];
      // A busy thread that gets no processor uses little of it; the loop of an idle one looks busy on a busy machine.
      return Math.max(share, utilization / 4);
    },
    // The usual flavour keeps the freed pages for later.
    collect: () => collect({ type: 'major', flavor: 'last-resort' }),
  };
}

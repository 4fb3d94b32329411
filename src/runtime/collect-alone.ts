/**
 * Young garbage is collected by the thread that made it. V8 wakes a helper for each core to share the work; of a thread that
 * serves requests little survives, and waiting for helpers, which have to get a core first, takes longer than the work.
 */
import { setFlagsFromString } from 'node:v8';

/** For the whole process, from the next collection on. A start, whose objects stay, is over by then. */
export function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

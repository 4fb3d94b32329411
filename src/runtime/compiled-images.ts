/** What a thread has compiled, for other threads. */
import type { ProgramImage } from '../lua/engine-contract.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Of these functions, as far as they have loaded. */
export function imagesOf(uids: readonly string[], { table, engine }: WorkerParts): readonly ProgramImage[] {
  return uids.flatMap((uid) => {
    const program = table.get(uid)?.program;
    const image = program === undefined ? undefined : engine.image(program.revision);
    return image === undefined ? [] : [image];
  });
}

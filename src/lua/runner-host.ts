/** What running calls needs of its engine. */
import type { Call } from './call.ts';
import type { ImageCache } from './image-cache.ts';
import type { MachinePool } from './machine-pool.ts';
import type { NamespaceBooks } from './namespace-books.ts';
import type { SliceQueue } from './slice-queue.ts';
import type { CallResult } from './types.ts';

export interface RunnerHost {
  readonly plain: MachinePool;
  readonly sliced: MachinePool;
  readonly slices: SliceQueue;
  readonly books: NamespaceBooks;
  readonly images: ImageCache;
  clock(): number;
  /** The call now waits in the engine's books (deadline, caps), or no longer does. */
  waiting(call: Call, waits: boolean): void;
  markLong(call: Call): void;
  ended(call: Call, result: CallResult): void;
  defect(error: unknown, call: Call): void;
}

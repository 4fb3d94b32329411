/** Notices that the file of an open store was removed or replaced: what goes into it from then on is gone at the next start. */
import { stat } from 'node:fs/promises';
import type { Timers } from './watch-folder.ts';

export interface WatchStoreFileOptions {
  readonly path: string;
  readonly timers: Timers;
  /** Told once; nothing is looked at after that. */
  onLost(message: string): void;
}

const lookEveryMs = 2000;

/** Looks until it is stopped. The file must be there; resolves when it is known. */
export async function watchStoreFile({ path, timers, onLost }: WatchStoreFileOptions): Promise<() => void> {
  const { ino } = await stat(path);
  let stopped = false;
  let timer: { cancel(): void } | undefined;
  const look = async (): Promise<void> => {
    const found = await stat(path).catch(() => undefined);
    if (stopped) return;
    if (found?.ino === ino) {
      timer = timers.after(lookEveryMs, () => void look());
      return;
    }
    const what = found === undefined ? 'was removed' : 'is another file now';
    onLost(`${path} ${what} while it was in use: what would be accepted could not be found again; start anew`);
  };
  timer = timers.after(lookEveryMs, () => void look());
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

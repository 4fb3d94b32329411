/** Notices that the file of an open store was removed: what goes into it from then on is gone at the next start. */
import { stat } from 'node:fs/promises';
import type { Timers } from './watch-folder.ts';

export interface WatchStoreFileOptions {
  readonly path: string;
  readonly timers: Timers;
  /** Told once; nothing is looked at after that. */
  onLost(message: string): void;
}

const lookEveryMs = 2000;

/** Looks until it is stopped. */
export function watchStoreFile({ path, timers, onLost }: WatchStoreFileOptions): () => void {
  let stopped = false;
  let timer: { cancel(): void } | undefined;
  const look = async (): Promise<void> => {
    const gone = await isGone(path);
    if (stopped) return;
    if (gone)
      onLost(`${path} was removed while it was in use: what would be accepted could not be found again; start anew`);
    else timer = timers.after(lookEveryMs, () => void look());
  };
  timer = timers.after(lookEveryMs, () => void look());
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

/** Any other error says nothing about the file. Nor does another inode: file systems of virtual machines change them. */
async function isGone(path: string): Promise<boolean> {
  try {
    await stat(path);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}

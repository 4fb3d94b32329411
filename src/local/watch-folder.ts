/** Tells which names in a folder changed, whatever way editors and version control write: by notice of the system, and by looking. */
import { watch, type FSWatcher } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { isIgnored, listFolder, stampOf } from './folder.ts';

/** Timers as an argument: tests move them by hand. */
export interface Timers {
  /** Milliseconds, monotonic. */
  now(): number;
  after(milliseconds: number, run: () => void): { cancel(): void };
}

export interface WatchFolderOptions {
  readonly root: string;
  readonly timers: Timers;
  /**
   * Names of files or folders that changed, relative to the folder; the empty name: everything. `noticedAt` is the time of
   * the first notice. Never called while a call is pending.
   */
  readonly onChange: (names: ReadonlySet<string>, noticedAt: number) => Promise<void>;
  /** Names besides the resource files whose change counts (files of code). */
  readonly others: () => Iterable<string>;
  /** A file system without notices is looked at in turns instead; told once. */
  readonly onPolling: (reason: string) => void;
  readonly watchFolder?: (
    path: string,
    onEvent: (name: string | undefined) => void,
    onError: (error: Error) => void,
  ) => {
    close(): void;
  };
}

export interface FolderWatch {
  close(): void;
}

/** So long after the last notice a change is taken up, but never later than `maxWaitMs` after the first. */
const quietMs = 2;
const maxWaitMs = 40;
/** Looking costs a call per file: it takes at most a fiftieth of the time. */
const lookEveryMs = 2000;
const pollEveryMs = 300;

/** Watches until closed. The first look is taken before it answers, so nothing between it and a later reading is missed. */
export async function watchFolder(options: WatchFolderOptions): Promise<FolderWatch> {
  const { root, timers, onChange } = options;
  const open = options.watchFolder ?? systemWatch;
  const watchers = new Map<string, { close(): void }>();
  let stamps = new Map<string, string>();
  let pending = new Set<string>();
  let firstPendingAt: number | undefined;
  let flushTimer: { cancel(): void } | undefined;
  let lookTimer: { cancel(): void } | undefined;
  let busy = false;
  let polling = false;
  let rootInode: number | undefined;
  let closed = false;

  const unwatch = (folder: string): void => {
    for (const [name, watcher] of watchers) {
      if (name !== folder && folder !== '' && !name.startsWith(`${folder}/`)) continue;
      watcher.close();
      watchers.delete(name);
    }
  };

  const watchOne = (folder: string): void => {
    if (watchers.has(folder) || polling) return;
    try {
      const watcher = open(
        join(root, folder),
        (name) => {
          const changed = name === undefined ? folder : folder === '' ? name : `${folder}/${name}`;
          // A watched folder that was removed, or made anew under its name, has a watcher that stays silent for good.
          if (watchers.has(changed)) unwatch(changed);
          if (folder === '' && name === basename(root)) void rootChanged();
          note(changed);
        },
        (error) => {
          unwatch(folder);
          note(folder);
          if (isExhausted(error)) startPolling(error.message);
        },
      );
      watchers.set(folder, watcher);
    } catch (error) {
      // A folder that vanished meanwhile is found by the next look; anything else leaves looking as the only way.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        startPolling(errorMessage(error));
      }
    }
  };

  /** The folder itself tells of its own end under its own name. */
  const rootChanged = async (): Promise<void> => {
    if (await sameFolder()) return;
    unwatch('');
    note('');
    scheduleLook(0);
  };

  const sameFolder = async (): Promise<boolean> => {
    const inode = await inodeOf(root);
    const same = inode !== undefined && inode === rootInode;
    rootInode = inode;
    return same;
  };

  const startPolling = (reason: string): void => {
    if (polling || closed) return;
    polling = true;
    unwatch('');
    options.onPolling(reason);
    scheduleLook(0);
  };

  const note = (name: string): void => {
    if (closed || (name !== '' && isIgnored(name))) return;
    pending.add(name);
    firstPendingAt ??= timers.now();
    flushTimer?.cancel();
    const left = Math.max(0, firstPendingAt + maxWaitMs - timers.now());
    flushTimer = timers.after(Math.min(quietMs, left), () => void flush());
  };

  const flush = async (): Promise<void> => {
    if (busy || closed || pending.size === 0) return;
    busy = true;
    const names = pending;
    const noticedAt = firstPendingAt ?? timers.now();
    pending = new Set();
    firstPendingAt = undefined;
    try {
      for (const name of names) await followFolder(name);
      if (!closed) await onChange(names, noticedAt);
    } finally {
      busy = false;
      if (pending.size > 0) void flush();
    }
  };

  /** Watches what became a folder, and forgets what stopped being one (or was made anew under the same name). */
  const followFolder = async (name: string): Promise<void> => {
    const stats = await lstat(join(root, name)).catch(() => undefined);
    if (!stats?.isDirectory()) {
      unwatch(name);
      return;
    }
    if (!watchers.has(name)) {
      const listing = await listFolder(root, name);
      for (const folder of listing?.folders ?? []) watchOne(folder);
    }
  };

  const look = async (): Promise<void> => {
    const started = timers.now();
    if (!(await sameFolder())) unwatch('');
    const seen = await takeStamps(root, options.others());
    if (closed) return;
    for (const folder of seen.folders) watchOne(folder);
    for (const folder of watchers.keys()) if (!seen.folders.has(folder)) unwatch(folder);
    for (const [name, stamp] of seen.stamps) if (stamps.get(name) !== stamp) note(name);
    for (const name of stamps.keys()) if (!seen.stamps.has(name)) note(name);
    stamps = seen.stamps;
    scheduleLook(timers.now() - started);
  };

  const scheduleLook = (tookMs: number): void => {
    lookTimer?.cancel();
    const wait = Math.max(polling || rootInode === undefined ? pollEveryMs : lookEveryMs, tookMs * 50);
    lookTimer = timers.after(wait, () => void look());
  };

  rootInode = await inodeOf(root);
  const first = await takeStamps(root, options.others());
  stamps = first.stamps;
  for (const folder of first.folders) watchOne(folder);
  scheduleLook(0);
  return {
    close: () => {
      closed = true;
      flushTimer?.cancel();
      lookTimer?.cancel();
      unwatch('');
    },
  };
}

async function takeStamps(
  root: string,
  others: Iterable<string>,
): Promise<{ stamps: Map<string, string>; folders: ReadonlySet<string> }> {
  const stamps = new Map<string, string>();
  const listing = await listFolder(root);
  const names = [...(listing?.files ?? []), ...others];
  // In groups: thousands of open questions at once would only wait in the thread pool.
  for (let at = 0; at < names.length; at += 64) {
    const group = names.slice(at, at + 64);
    const found = await Promise.all(group.map((name) => stampOf(root, name)));
    for (const [index, stamp] of found.entries()) {
      const name = group[index];
      if (stamp !== undefined && name !== undefined) stamps.set(name, stamp);
    }
  }
  return { stamps, folders: new Set(listing?.folders ?? []) };
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.ino;
}

function systemWatch(
  path: string,
  onEvent: (name: string | undefined) => void,
  onError: (error: Error) => void,
): FSWatcher {
  const watcher = watch(path, { persistent: true });
  watcher.on('change', (_kind, name) => {
    onEvent(typeof name === 'string' ? name : undefined);
  });
  watcher.on('error', onError);
  return watcher;
}

function isExhausted(error: Error): boolean {
  return 'code' in error && (error.code === 'ENOSPC' || error.code === 'EMFILE' || error.code === 'ENOSYS');
}

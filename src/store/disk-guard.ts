/** Watches the space of the file system a database lies on, and keeps a reserve file that is given up when it is full. */
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface DiskSettings {
  /** Below the larger of both nothing new is accepted. */
  readonly lowBytes: number;
  readonly lowFraction: number;
  /** Size of the file that is removed at the first full disk, so that work in progress can end; 0: none. */
  readonly reserveBytes: number;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DiskGuard {
  readonly low: boolean;
  readonly freeBytes: number | undefined;
  /** Looks at the space and builds up the reserve, a piece at a time. */
  look(): void;
  /** A write found no space. */
  full(): void;
}

const mebi = 1024 ** 2;

export const defaultDisk: DiskSettings = { lowBytes: 256 * mebi, lowFraction: 0.05, reserveBytes: 64 * mebi };

/** Written in one look. */
const pieceBytes = 4 * mebi;
/** The reserve is begun so long after the start. */
const startMs = 5_000;
/** After a full disk nothing new is accepted for so long at least. */
const restMs = 5_000;

export interface DiskSource {
  readonly path: string;
  now(): number;
  space(): DiskSpace | undefined;
}

/** Of the file system of a path, for whoever may not use what is reserved for root; undefined: the folder is gone. */
export function spaceOf(path: string): DiskSpace | undefined {
  try {
    const { bavail, blocks, bsize } = statfsSync(dirname(path));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function createDiskGuard(settings: DiskSettings, { path, now, space }: DiskSource): DiskGuard {
  const reservePath = `${path}-reserve`;
  let low = false;
  let freeBytes: number | undefined;
  let fullUntil = Number.NEGATIVE_INFINITY;
  let reserved = sizeOf(reservePath);
  /** Not while the program starts; and a file that cannot grow now is tried again later. */
  let tryAfter = now() + startMs;

  function reserve(floor: number): void {
    const { reserveBytes } = settings;
    if (reserved >= reserveBytes || low || now() < tryAfter || (freeBytes ?? 0) < floor + 2 * reserveBytes) return;
    const size = Math.min(pieceBytes, reserveBytes - reserved);
    try {
      const file = openSync(reservePath, 'a', 0o600);
      try {
        reserved += writeSync(file, new Uint8Array(size));
      } finally {
        closeSync(file);
      }
    } catch {
      giveUp();
      tryAfter = now() + 60_000;
    }
  }

  function giveUp(): void {
    rmSync(reservePath, { force: true });
    reserved = 0;
  }

  return {
    get low() {
      return low;
    },
    get freeBytes() {
      return freeBytes;
    },
    look() {
      const found = space();
      freeBytes = found?.freeBytes;
      // Without an answer the next write that fails tells.
      if (found === undefined) return;
      const floor = Math.max(settings.lowBytes, found.totalBytes * settings.lowFraction);
      low = found.freeBytes < floor || now() < fullUntil;
      reserve(floor);
    },
    full() {
      low = true;
      fullUntil = now() + restMs;
      giveUp();
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

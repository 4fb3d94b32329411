/** A store that comes through a pipe, or leaves through one: by way of a file, which is checked as any other. */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../failures/error-message.ts';
import { StoreRefused } from '../store/store-refused.ts';
import { readEnd } from './copy-ends.ts';

/** The word for standard input and standard output. */
export const standardStream = '-';

/** Copies by `work` from place to place, where neither is a pipe. */
export async function throughFile<Result>(
  from: string,
  to: string,
  work: (from: string, to: string) => Promise<Result>,
): Promise<Result> {
  if (from !== standardStream && to !== standardStream) return work(from, to);
  if (from === to) throw new StoreRefused('one end must be a place: a directory, a file or postgres://…');
  const out = to === standardStream;
  if (out ? process.stdout.isTTY : process.stdin.isTTY) {
    const example = out ? 'write it to a file (> backup.db)' : 'read it from a file (< backup.db)';
    throw new StoreRefused(`a store is nothing for a terminal: ${example}`);
  }
  const folder = folderBeside(out ? from : to);
  const leave = (): void => rmSync(folder, { recursive: true, force: true });
  const interrupted = (): void => {
    leave();
    process.exit(130);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, interrupted);
  try {
    const file = join(folder, 'copy.db');
    if (!out) await pipeline(process.stdin, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    const result = await work(out ? from : file, out ? file : to);
    if (out) await pipeline(createReadStream(file), process.stdout, { end: false });
    return result;
  } finally {
    leave();
    for (const signal of signals) process.removeListener(signal, interrupted);
  }
}

/** Where a store is there is room for another: temporary directories of containers are small, and memory. */
function folderBeside(place: string): string {
  const end = readEnd(place);
  try {
    return mkdtempSync(join('path' in end ? dirname(end.path) : tmpdir(), '.store-copy-'));
  } catch (error) {
    throw new StoreRefused(errorMessage(error));
  }
}

/**
 * Record and cut: what a process did to its files, as strace saw it, and the files as they would be after a power cut at
 * any moment. Synced data is there; of what was written since, a random part. Creating and removing files is taken as durable.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export type Operation =
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'sync'; readonly file: string }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  | { readonly kind: 'remove'; readonly file: string }
  /** A line on standard output. */
  | { readonly kind: 'said'; readonly line: string };

export const straceIsHere = (): boolean => spawnSync('strace', ['-V']).status === 0;

/**
 * Runs a command to its end under strace and answers what it did to the files of `folder`, in order. `killedAt`: its n-th
 * sync ends it by SIGKILL instead.
 */
export async function record(
  folder: string,
  log: string,
  command: readonly string[],
  killedAt?: number,
): Promise<Operation[]> {
  const calls = 'trace=pwrite64,write,fdatasync,fsync,ftruncate,unlink,unlinkat';
  const inject = killedAt === undefined ? [] : ['-e', `inject=fdatasync,fsync:signal=KILL:when=${killedAt}`];
  const child = spawn('strace', ['-f', '-y', '-xx', '-s', '1000000', '-e', calls, ...inject, '-o', log, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const status = await new Promise((resolve) => child.once('exit', resolve));
  if (killedAt === undefined && status !== 0) throw new Error(`the recorded process ended with ${String(status)}`);
  if (killedAt !== undefined && status === 0) throw new Error('the recorded process was not killed');
  const operations = readFileSync(log, 'latin1')
    .split('\n')
    .flatMap((line) => parseLine(folder, line));
  // The sync that it died at did not happen.
  if (killedAt !== undefined)
    operations.splice(
      operations.findLastIndex(({ kind }) => kind === 'sync'),
      1,
    );
  return operations;
}

/** An unfinished call stands with its arguments; its `resumed` line says nothing new but that it has ended. */
function parseLine(folder: string, line: string): Operation[] {
  const match = /^\d+\s+(\w+)\((.*)$/.exec(line);
  if (match === null) return [];
  const [, call = '', rest = ''] = match;
  if (/= -1 E/.test(rest)) return [];
  if (call === 'unlink' || call === 'unlinkat') {
    const name = unescapeHex(/"((?:\\x[0-9a-f]{2})*)"/.exec(rest)?.[1] ?? '').toString('utf8');
    return name.startsWith(folder) ? [{ kind: 'remove', file: basename(name) }] : [];
  }
  const target = /^(\d+)<((?:\\x[0-9a-f]{2})*|[^>]*)>/.exec(rest);
  if (target === null) return [];
  const path = (target[2] ?? '').includes('\\x') ? unescapeHex(target[2] ?? '').toString('utf8') : (target[2] ?? '');
  if (call === 'write' && target[1] === '1') {
    const text = unescapeHex(/"((?:\\x[0-9a-f]{2})*)"/.exec(rest)?.[1] ?? '').toString('utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((said) => ({ kind: 'said', line: said }));
  }
  if (!path.startsWith(folder)) return [];
  const file = basename(path);
  if (call === 'fsync' || call === 'fdatasync') return [{ kind: 'sync', file }];
  if (call === 'ftruncate') return [{ kind: 'truncate', file, size: Number(/>, (\d+)/.exec(rest)?.[1]) }];
  if (call === 'pwrite64') {
    const parts = /"((?:\\x[0-9a-f]{2})*)", (\d+), (\d+)/.exec(rest);
    if (parts === null) throw new Error(`a write that cannot be read: ${line.slice(0, 120)}`);
    return [{ kind: 'write', file, offset: Number(parts[3]), data: unescapeHex(parts[1] ?? '') }];
  }
  throw new Error(`an operation the model does not know: ${line.slice(0, 120)}`);
}

function unescapeHex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

type Change = Extract<Operation, { kind: 'write' | 'truncate' }>;

/** The files after each prefix of a recording. */
export class Disk {
  readonly #synced = new Map<string, Buffer>();
  #pending: Change[] = [];
  readonly #syncsCount: boolean;

  /** `syncsCount: false` is the control: a disk that ignores every sync must lose what was promised. */
  constructor(syncsCount = true) {
    this.#syncsCount = syncsCount;
  }

  apply(operation: Operation): void {
    if (operation.kind === 'said') return;
    if (operation.kind === 'remove') {
      this.#synced.delete(operation.file);
      this.#pending = this.#pending.filter(({ file }) => file !== operation.file);
      return;
    }
    if (operation.kind !== 'sync') {
      this.#pending.push(operation);
      return;
    }
    if (!this.#syncsCount) return;
    this.#pending = this.#pending.filter((change) => {
      if (change.file !== operation.file) return true;
      applyTo(this.#synced, change);
      return false;
    });
  }

  /** Power is cut: each unsynced change is on the disk with this probability, torn at 512 bytes. */
  cut(probability: number, random: () => number): ReadonlyMap<string, Buffer> {
    const files = new Map([...this.#synced].map(([name, data]) => [name, Buffer.from(data)]));
    for (const change of this.#pending) {
      if (change.kind !== 'write') {
        if (random() < probability) applyTo(files, change);
        continue;
      }
      for (let start = 0; start < change.data.length; start += 512) {
        if (random() >= probability) continue;
        applyTo(files, { ...change, offset: change.offset + start, data: change.data.subarray(start, start + 512) });
      }
    }
    return files;
  }
}

function applyTo(files: Map<string, Buffer>, change: Change): void {
  const present = files.get(change.file) ?? Buffer.alloc(0);
  if (change.kind === 'truncate')
    files.set(
      change.file,
      Buffer.concat([present.subarray(0, change.size), Buffer.alloc(Math.max(0, change.size - present.length))]),
    );
  else {
    const end = change.offset + change.data.length;
    const grown = end > present.length ? Buffer.concat([present, Buffer.alloc(end - present.length)]) : present;
    change.data.copy(grown, change.offset);
    files.set(change.file, grown);
  }
}

/**
 * A few bytes beside the database that say which delivery runs alone after crashes, and whether its Lua holds a thread
 * now. They outlive the process (not the machine: they are not synced), so that a process that died in the middle of its
 * own Lua can be told from one that was ended while the call waited for something.
 */
import { openSync, readSync, writeSync } from 'node:fs';

const bytes = 17;
const runsAt = 16;

/** What is known of a delivery whose process died: undefined where it did not run alone, or nobody knows. */
export type LoneEnd = 'running' | 'waiting' | undefined;

export interface LoneRuns {
  /** Before the lease is answered. */
  begin(delivery: number, epoch: number): void;
  end(delivery: number, epoch: number): LoneEnd;
}

/** Beside the file of a database. */
export function loneRunPath(databasePath: string): string {
  return `${databasePath}-lone-run`;
}

/** For the owner of the database; the file is made if it is not there. */
export function openLoneRuns(path: string): LoneRuns {
  const file = openFile(path, 'a+') === undefined ? undefined : openFile(path, 'r+');
  return {
    begin(delivery, epoch) {
      const written = new DataView(new ArrayBuffer(bytes));
      written.setFloat64(0, delivery);
      written.setFloat64(8, epoch);
      write(file, written, 0);
    },
    end(delivery, epoch) {
      const found = new DataView(new ArrayBuffer(bytes));
      if (file === undefined || readSync(file, found, 0, bytes, 0) < bytes) return undefined;
      if (found.getFloat64(0) !== delivery || found.getFloat64(8) !== epoch) return undefined;
      return found.getUint8(runsAt) === 0 ? 'waiting' : 'running';
    },
  };
}

/** For who runs it: says whenever its Lua gets hold of the thread, and lets go of it. */
export function openLoneMark(path: string): (running: boolean) => void {
  let file: number | undefined;
  return (running) => {
    file ??= openFile(path, 'r+');
    write(file, new Uint8Array([running ? 1 : 0]), runsAt);
  };
}

/** Evidence that cannot be written is not there: the delivery is judged without it. */
function openFile(path: string, flags: string): number | undefined {
  try {
    return openSync(path, flags, 0o600);
  } catch {
    return undefined;
  }
}

function write(file: number | undefined, written: DataView | Uint8Array, at: number): void {
  if (file === undefined) return;
  try {
    writeSync(file, written, 0, written.byteLength, at);
  } catch {
    // As above.
  }
}

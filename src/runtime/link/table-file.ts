/**
 * The table on a memory file system, without secret values: read when the container restarts while no controller answers.
 * One line per change behind a header; a line that was cut off is the last one, and left out.
 */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import type { Held } from '../../link/protocol.ts';
import { defaultPolicy, type InstallationPolicy } from '../../policy/installation-policy.ts';
import type { TableChange } from '../../routing/diff-tables.ts';
import { stripFunction, stripSubscription } from '../../routing/strip-secrets.ts';
import type { StoredTable } from './follow-table.ts';
import type { RouteTable } from '../../routing/types.ts';
import { decodeEntry, decodeSubscription, encodeEntry, encodeSubscription } from '../../routing/wire-format.ts';

export interface TableFile {
  /** Undefined: there is none, or it is of another program. */
  read(): Promise<StoredTable | undefined>;
  /** Notes changes; written a moment later. */
  note(changes: readonly TableChange[], digests: ReadonlyMap<string, string>): void;
  notePolicy(policy: InstallationPolicy): void;
  /** The table is whole at this epoch: from now on the file is worth reading. */
  whole(epoch: number): void;
  /** Writes what is noted. */
  flush(): Promise<void>;
}

const format = 1;
/** Lines are gathered for so long. */
const restMs = 200;
/** Grown by so much beyond what the table takes, the file is written anew. */
const growthBytes = 8 * 1024 * 1024;

export function createTableFile(options: {
  readonly path: string;
  readonly table: () => RouteTable;
  after(milliseconds: number, callback: () => void): () => void;
  onTrouble(message: string): void;
}): TableFile {
  const { path, table } = options;
  const digests = new Map<string, string>();
  let lines: string[] = [];
  let policy: InstallationPolicy | undefined;
  let epoch: number | undefined;
  /** Bytes of the file when it was written whole, and since. */
  let base = 0;
  let grown = Infinity;
  let timer: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    if (epoch === undefined || policy === undefined) return;
    if (grown > base + growthBytes) {
      lines = [];
      const text = `${JSON.stringify({ format, epoch, policy })}\n${wholeTable(table(), digests)}`;
      // Beside it first: a process that ends meanwhile leaves the old one.
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
      base = Buffer.byteLength(text);
      grown = 0;
      return;
    }
    const text = lines.join('');
    lines = [];
    if (text === '') return;
    await appendFile(path, text);
    grown += Buffer.byteLength(text);
  }

  function flush(): Promise<void> {
    timer?.();
    timer = undefined;
    writing = writing.then(write).catch((error: Error) => {
      // The next attempt writes it whole.
      grown = Infinity;
      options.onTrouble(error.message);
    });
    return writing;
  }

  function schedule(): void {
    timer ??= options.after(restMs, () => void flush());
  }

  return {
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') options.onTrouble((error as Error).message);
        return undefined;
      }
      return readLines(text.split('\n').slice(0, -1));
    },
    note(changes, given) {
      for (const [uid, digest] of given) digests.set(uid, digest);
      for (const change of changes) {
        if ('uid' in change) digests.delete(change.uid);
        if (grown !== Infinity) lines.push(lineOf(change, digests));
      }
      schedule();
    },
    notePolicy(next) {
      policy = next;
      grown = Infinity;
      schedule();
    },
    whole(next) {
      if (epoch === next) return;
      epoch = next;
      grown = Infinity;
      schedule();
    },
    flush,
  };
}

function wholeTable(table: RouteTable, digests: ReadonlyMap<string, string>): string {
  let text = '';
  for (const entry of table.functions.values()) text += lineOf({ op: 'set', entry }, digests);
  for (const subscription of table.subscriptions?.values() ?? []) {
    text += lineOf({ op: 'setSubscription', subscription }, digests);
  }
  return text;
}

/** A digest stands only beside an entry that is whole: the others must be sent again. */
function lineOf(change: TableChange, digests: ReadonlyMap<string, string>): string {
  const digestOf = (uid: string, complete: boolean): string => {
    const digest = digests.get(uid);
    return complete && digest !== undefined ? `,"digest":${JSON.stringify(digest)}` : '';
  };
  if (change.op === 'set') {
    const { entry, complete } = stripFunction(change.entry);
    return `{"op":"set"${digestOf(entry.uid, complete)},"entry":${encodeEntry(entry)}}\n`;
  }
  if (change.op === 'setSubscription') {
    const { entry, complete } = stripSubscription(change.subscription);
    return `{"op":"setSubscription"${digestOf(entry.uid, complete)},"entry":${encodeSubscription(entry)}}\n`;
  }
  return `${JSON.stringify(change)}\n`;
}

interface Header {
  readonly format?: number;
  readonly epoch?: number;
  readonly policy?: InstallationPolicy;
}

interface Line {
  readonly op?: string;
  readonly uid?: string;
  readonly digest?: string;
  readonly entry?: unknown;
}

function readLines([first = '', ...rest]: readonly string[]): StoredTable | undefined {
  const header = parseLine(first) as Header | undefined;
  if (header?.format !== format || typeof header.epoch !== 'number' || header.policy === undefined) return undefined;
  const last = new Map<string, { readonly change: TableChange; readonly digest: string | undefined }>();
  for (const text of rest) {
    const line = parseLine(text) as Line | undefined;
    if (line === undefined) continue;
    if (line.op === 'set') {
      const decoded = decodeEntry(line.entry);
      if (decoded.ok) last.set(decoded.entry.uid, { change: { op: 'set', entry: decoded.entry }, digest: line.digest });
    } else if (line.op === 'setSubscription') {
      const decoded = decodeSubscription(line.entry);
      if (decoded.ok) {
        const { subscription } = decoded;
        last.set(subscription.uid, { change: { op: 'setSubscription', subscription }, digest: line.digest });
      }
    } else if (line.uid !== undefined) last.delete(line.uid);
  }
  const held: Held[] = [];
  for (const [uid, { digest }] of last) if (digest !== undefined) held.push([uid, digest]);
  const policy = { ...defaultPolicy(''), ...header.policy };
  return { epoch: header.epoch, policy, changes: [...last.values()].map(({ change }) => change), held };
}

function parseLine(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

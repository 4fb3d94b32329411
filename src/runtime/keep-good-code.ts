/**
 * The last good code of each function in the store, one row each, so that a runtime that starts anew serves it where the
 * newest code is bad. Code and modules only: gates, secrets and limits always come with the table.
 */
import { emptyTable } from '../routing/diff-tables.ts';
import type { Acknowledgement, CodeEntry, FunctionEntry, RouteTable } from '../routing/types.ts';
import type { KeyValueWrite, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import type { GoodCode } from './good-code.ts';

export interface GoodCodeKeeper {
  /**
   * After changes were applied: keeps what was taken, and serves what is kept where nothing of a function loaded. Answers the
   * acknowledgements with what they are now.
   */
  settle(acknowledgements: readonly Acknowledgement[], table: RouteTable): Promise<readonly Acknowledgement[]>;
  /** Writes what is still to be written. */
  flush(): Promise<void>;
}

export interface GoodCodeKeeperOptions {
  readonly store: Pick<Store, 'get' | 'list' | 'write'>;
  /** Loads these codes where no code of the function serves. */
  serve(goods: ReadonlyMap<string, GoodCode>): Promise<readonly Acknowledgement[]>;
  /** Calls back once; answers what stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  onError(message: string, error: unknown): void;
}

/** Edits of a function within so long are one row. */
const restMs = 1_000;
const rowsPerWrite = 200;
const pageSize = 1_000;

const scopeOf = (namespaceUid: string): KeyValueScope => ({ namespaceUid, space: '.good-code' });
const keyOf = (uid: string, codeRevision: string): string => `${uid}/${codeRevision}`;

export function createGoodCodeKeeper(options: GoodCodeKeeperOptions): GoodCodeKeeper {
  const { store } = options;
  /** Code revision in the store by uid, of namespaces that were looked at. */
  const kept = new Map<string, { readonly namespaceUid: string; readonly codeRevision: string }>();
  const looked = new Set<string>();
  /** What is to be written; undefined: the row goes. */
  const waiting = new Map<string, { readonly namespaceUid: string; readonly good: GoodCode | undefined }>();
  let latest: RouteTable = emptyTable;
  let stopWaiting: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  /** Learns which rows a namespace has. */
  async function look(namespaceUid: string): Promise<void> {
    if (looked.has(namespaceUid)) return;
    const scope = scopeOf(namespaceUid);
    const old: string[] = [];
    let after: string | undefined;
    do {
      const keys = await store.list(scope, '', pageSize, after);
      for (const key of keys) {
        const [uid = '', codeRevision = ''] = key.split('/');
        // A process that ended between two writes may have left two.
        if (kept.has(uid)) old.push(key);
        else kept.set(uid, { namespaceUid, codeRevision });
      }
      after = keys.length === pageSize ? keys.at(-1) : undefined;
    } while (after !== undefined);
    looked.add(namespaceUid);
    if (old.length > 0)
      await store.write(
        old.map((key) => ({ scope, key, change: { kind: 'delete' }, owed: true })),
        [],
      );
  }

  async function write(): Promise<void> {
    // Of a table that is not whole yet nobody knows what it lacks.
    for (const [uid, { namespaceUid }] of latest.version > 0 ? kept : []) {
      if (!latest.functions.has(uid)) waiting.set(uid, { namespaceUid, good: undefined });
    }
    const taken = [...waiting];
    waiting.clear();
    for (let from = 0; from < taken.length; from += rowsPerWrite) {
      const piece = taken.slice(from, from + rowsPerWrite);
      await store.write(
        piece.flatMap(([uid, row]) => writesOf(uid, row)),
        [],
      );
      for (const [uid, { namespaceUid, good }] of piece) {
        if (good === undefined) kept.delete(uid);
        else kept.set(uid, { namespaceUid, codeRevision: good.code.codeRevision });
      }
    }
  }

  function writesOf(
    uid: string,
    { namespaceUid, good }: { readonly namespaceUid: string; readonly good: GoodCode | undefined },
  ): readonly KeyValueWrite[] {
    const scope = scopeOf(namespaceUid);
    const before = kept.get(uid);
    const writes: KeyValueWrite[] = [];
    if (good !== undefined) {
      const { code, revision } = good;
      const value = Buffer.from(JSON.stringify({ revision, code: code.code, modules: code.modules }));
      writes.push({ scope, key: keyOf(uid, code.codeRevision), change: { kind: 'set', value }, owed: true });
    }
    if (before !== undefined && before.codeRevision !== good?.code.codeRevision) {
      writes.push({ scope, key: keyOf(uid, before.codeRevision), change: { kind: 'delete' }, owed: true });
    }
    return writes;
  }

  function flush(): Promise<void> {
    stopWaiting?.();
    stopWaiting = undefined;
    writing = writing.then(write).catch((error: unknown) => {
      options.onError('the last good code of functions was not kept', error);
    });
    return writing;
  }

  async function read(uid: string): Promise<GoodCode | undefined> {
    const row = kept.get(uid);
    if (row === undefined) return undefined;
    const found = await store.get(scopeOf(row.namespaceUid), keyOf(uid, row.codeRevision));
    return found === undefined ? undefined : readGood(found.value, row.codeRevision);
  }

  function keep(entry: FunctionEntry): void {
    const { uid, namespaceUid, revision, code } = entry;
    if (kept.get(uid)?.codeRevision === code.codeRevision) waiting.delete(uid);
    else waiting.set(uid, { namespaceUid, good: { code, revision } });
  }

  async function settle(
    acknowledgements: readonly Acknowledgement[],
    table: RouteTable,
  ): Promise<readonly Acknowledgement[]> {
    const broken = new Map<string, GoodCode>();
    for (const { uid, accepted, servingRevision } of acknowledgements) {
      const entry = table.functions.get(uid);
      if (entry === undefined) continue;
      await look(entry.namespaceUid);
      if (servingRevision === entry.revision) keep(entry);
      else if (!accepted && servingRevision === undefined) {
        const good = await read(uid);
        if (good !== undefined) broken.set(uid, good);
      }
    }
    latest = table;
    stopWaiting ??= options.after(restMs, () => void flush());
    if (broken.size === 0) return acknowledgements;
    const now = new Map((await options.serve(broken)).map((each) => [each.uid, each]));
    return acknowledgements.map((each) => now.get(each.uid) ?? each);
  }

  return {
    async settle(acknowledgements, table) {
      try {
        return await settle(acknowledgements, table);
      } catch (error) {
        // A table that serves is worth more than the rows.
        options.onError('the last good code of functions could not be read', error);
        return acknowledgements;
      }
    },
    flush,
  };
}

/** Undefined: no row of ours, or one of a later program. */
function readGood(value: Uint8Array, codeRevision: string): GoodCode | undefined {
  let row: unknown;
  try {
    row = JSON.parse(Buffer.from(value).toString('utf8'));
  } catch {
    return undefined;
  }
  const { revision, code, modules } = (row ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof revision !== 'string' || typeof code !== 'string' || typeof modules !== 'object' || modules === null) {
    return undefined;
  }
  const texts = Object.entries(modules);
  if (!texts.every(([, text]) => typeof text === 'string')) return undefined;
  const entry: CodeEntry = { codeRevision, code, modules: Object.fromEntries(texts) };
  return { revision, code: entry };
}

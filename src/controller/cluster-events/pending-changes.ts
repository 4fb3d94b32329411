/** What of a trigger's objects differs from what the store knows: each object once, however often it changed. */
import type { KnownObject, ObjectPut } from '../../link/append-messages.ts';
import type { Look, ObjectView } from './object-view.ts';

/** What the store was told last. */
type Told = Omit<KnownObject, 'uid'>;

export interface PendingChanges {
  /** An object is another one now; `last`: its state when it was deleted, if somebody saw it. */
  touch(uid: string, last?: string): void;
  /** Begins anew from what the store knows; `edited`: what is not there any more goes silently, the rest was there at the start. */
  begin(rows: readonly KnownObject[], edited: boolean): void;
  /** Everything that differs is touched. */
  compare(): void;
  readonly size: number;
  /** The next few. They count as told when `told` says so; else `giveBack`. */
  take(): Promise<Batch>;
  told(batch: Batch): void;
  giveBack(batch: Batch): void;
}

export interface Batch {
  readonly puts: readonly ObjectPut[];
  /** What the store knows once they are told; undefined: nothing of it. */
  readonly after: ReadonlyMap<string, Told | undefined>;
  readonly touched: ReadonlyMap<string, string | undefined>;
  /** Set: objects whose fate could not be learned; they stay pending. */
  readonly failure: Extract<Look, { kind: 'unknown' }> | undefined;
}

const mostObjects = 100;
const mostLetters = 1024 * 1024;

export function createPendingChanges(view: () => ObjectView, expressions: string): PendingChanges {
  let known = new Map<string, Told>();
  /** Uid → last state seen of one that was deleted. */
  const touched = new Map<string, string | undefined>();
  /** Objects that were there when the trigger began, and are not stored yet. */
  let first = new Set<string>();
  /** Rows of what was watched before an edit. */
  let dropped = new Set<string>();

  function differs(uid: string): boolean {
    const object = view().find(uid);
    const row = known.get(uid);
    if (object === undefined || row === undefined) return object !== row;
    return row.version !== object.metadata.resourceVersion || row.expressions !== expressions;
  }

  function compare(): void {
    for (const uid of known.keys()) if (differs(uid) && !touched.has(uid)) touched.set(uid, undefined);
    for (const uid of view().uids()) if (differs(uid) && !touched.has(uid)) touched.set(uid, undefined);
  }

  async function remove(uid: string, row: Told, last: string | undefined): Promise<ObjectPut | Look> {
    if (dropped.has(uid)) return { kind: 'drop', uid };
    const gone: ObjectPut = { kind: 'gone', uid, ...(last === undefined ? {} : { object: last }) };
    if (!view().mayLive(row)) return gone;
    const look = await view().look({ uid, ...row });
    if (look.kind === 'unknown') return look;
    return look.kind === 'gone' ? gone : { kind: 'left', uid, object: look.text };
  }

  return {
    touch: (uid, last) => void touched.set(uid, last),
    begin(rows, edited) {
      known = new Map(rows.map(({ uid, ...told }) => [uid, told]));
      first = edited ? new Set(view().uids()) : new Set();
      dropped = new Set(edited ? [...known.keys()].filter((uid) => view().find(uid) === undefined) : []);
      compare();
    },
    compare,
    get size() {
      return touched.size;
    },
    async take() {
      const puts: ObjectPut[] = [];
      const after = new Map<string, Told | undefined>();
      const taken = new Map<string, string | undefined>();
      const removals: { readonly uid: string; readonly row: Told; readonly last: string | undefined }[] = [];
      let letters = 0;
      for (const [uid, last] of touched) {
        if (taken.size >= mostObjects || letters >= mostLetters) break;
        touched.delete(uid);
        if (!differs(uid)) continue;
        taken.set(uid, last);
        const object = view().find(uid);
        const row = known.get(uid);
        if (object !== undefined) {
          const { metadata, text } = object;
          const { resourceVersion: version, name, namespace } = metadata;
          letters += text.length;
          puts.push({ kind: 'set', uid, version, object: text, ...(first.has(uid) ? { baseline: true } : {}) });
          after.set(uid, { version, name, expressions, ...(namespace === undefined ? {} : { namespace }) });
        } else if (row !== undefined) removals.push({ uid, row, last });
      }
      let failure: Batch['failure'];
      const ends = await Promise.all(removals.map(({ uid, row, last }) => remove(uid, row, last)));
      for (const [index, end] of ends.entries()) {
        const { uid = '', last } = removals[index] ?? {};
        if (end.kind === 'unknown') {
          failure = end;
          taken.delete(uid);
          touched.set(uid, last);
        } else if ('uid' in end) {
          puts.push(end);
          after.set(uid, undefined);
        }
      }
      return { puts, after, touched: taken, failure };
    },
    told({ after }) {
      for (const [uid, row] of after) {
        first.delete(uid);
        dropped.delete(uid);
        if (row === undefined) known.delete(uid);
        else known.set(uid, row);
      }
    },
    giveBack(batch) {
      for (const [uid, last] of batch.touched) if (!touched.has(uid)) touched.set(uid, last);
    },
  };
}

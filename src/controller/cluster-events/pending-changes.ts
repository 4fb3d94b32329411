/** What of a trigger's objects differs from what the store knows: each object once, however often it changed. */
import type { KnownObject, ObjectPut } from '../../link/append-messages.ts';
import type { Fates } from './fates.ts';
import type { ObjectView } from './object-view.ts';
import type { WatchedText } from './watched-object.ts';

/** What the store was told last. */
type Told = Omit<KnownObject, 'uid'>;

export interface PendingChanges {
  /** An object is another one now; `last`: its state when it was deleted, if somebody saw it. */
  touch(uid: string, last?: WatchedText): void;
  /** Begins anew from what the store knows; `edited`: what is not there any more goes silently, the rest was there at the start. */
  begin(rows: readonly KnownObject[], edited: boolean): void;
  /** Everything that differs is touched. */
  compare(): void;
  /** It is known what became of an object that is not selected any more. */
  learned(uid: string): void;
  readonly size: number;
  /**
   * The next few. They count as told when `told` says so; else `giveBack`. What has to be looked for first is left out, and
   * comes back with `learned`.
   */
  take(): Batch;
  told(batch: Batch): void;
  giveBack(batch: Batch): void;
}

export interface Batch {
  readonly puts: readonly ObjectPut[];
  /** What the store knows once they are told; undefined: nothing of it. */
  readonly after: ReadonlyMap<string, Told | undefined>;
  readonly touched: ReadonlyMap<string, WatchedText | undefined>;
}

const mostObjects = 250;
const mostLetters = 1024 * 1024;

export function createPendingChanges(view: () => ObjectView, fates: Fates, expressions: string): PendingChanges {
  let known = new Map<string, Told>();
  /** Uid → last state seen of one that was deleted. */
  const touched = new Map<string, WatchedText | undefined>();
  /** What was touched, and is being looked for. */
  const sought = new Map<string, WatchedText | undefined>();
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
    for (const uid of known.keys())
      if (!sought.has(uid) && !touched.has(uid) && differs(uid)) touched.set(uid, undefined);
    for (const uid of view().uids()) if (!touched.has(uid) && differs(uid)) touched.set(uid, undefined);
  }

  function setOf(uid: string, { metadata, text }: WatchedText): ObjectPut {
    const { resourceVersion: version } = metadata;
    return { kind: 'set', uid, version, object: text, ...(first.has(uid) ? { baseline: true } : {}) };
  }

  /** What tells a store that an object is not selected any more; undefined: it is looked for first. */
  function remove(uid: string, last: WatchedText | undefined): readonly ObjectPut[] | undefined {
    const row = known.get(uid);
    if (dropped.has(uid)) return [{ kind: 'drop', uid }];
    const gone: ObjectPut = { kind: 'gone', uid, ...(last === undefined ? {} : { object: last.text }) };
    // It came and went faster than it was told: its end is news all the same.
    const came = row === undefined && last !== undefined ? [setOf(uid, last)] : [];
    const placed = row ?? last?.metadata;
    if (placed === undefined || !view().mayLive(placed)) return [...came, gone];
    const { name, namespace } = placed;
    const look = fates.of({ uid, name, ...(namespace === undefined ? {} : { namespace }) });
    if (look === undefined) return undefined;
    return [...came, look.kind === 'gone' ? gone : { kind: 'left', uid, object: look.text }];
  }

  return {
    touch(uid, last) {
      // It may have come back meanwhile, and gone for another reason.
      fates.forget(uid);
      sought.delete(uid);
      touched.set(uid, last);
    },
    learned(uid) {
      if (!sought.has(uid)) return;
      touched.set(uid, sought.get(uid));
      sought.delete(uid);
    },
    begin(rows, edited) {
      for (const [uid, last] of sought) touched.set(uid, last);
      sought.clear();
      fates.clear();
      known = new Map(rows.map(({ uid, ...told }) => [uid, told]));
      first = edited ? new Set(view().uids()) : new Set();
      dropped = new Set(edited ? [...known.keys()].filter((uid) => view().find(uid) === undefined) : []);
      compare();
    },
    compare,
    get size() {
      return touched.size;
    },
    take() {
      const puts: ObjectPut[] = [];
      const after = new Map<string, Told | undefined>();
      const taken = new Map<string, WatchedText | undefined>();
      let letters = 0;
      for (const [uid, last] of touched) {
        if (taken.size >= mostObjects || letters >= mostLetters) break;
        touched.delete(uid);
        const object = view().find(uid);
        if (object !== undefined) {
          fates.forget(uid);
          sought.delete(uid);
        }
        if (!differs(uid) && (object !== undefined || last === undefined)) continue;
        if (object === undefined) {
          const end = remove(uid, last);
          if (end === undefined) {
            sought.set(uid, last);
            continue;
          }
          puts.push(...end);
          after.set(uid, undefined);
        } else {
          const { resourceVersion: version, name, namespace } = object.metadata;
          puts.push(setOf(uid, object));
          after.set(uid, { version, name, expressions, ...(namespace === undefined ? {} : { namespace }) });
        }
        taken.set(uid, last);
        letters += (object ?? last)?.text.length ?? 0;
      }
      return { puts, after, touched: taken };
    },
    told({ after }) {
      for (const [uid, row] of after) {
        first.delete(uid);
        dropped.delete(uid);
        fates.forget(uid);
        if (row === undefined) known.delete(uid);
        else known.set(uid, row);
      }
    },
    giveBack(batch) {
      for (const [uid, last] of batch.touched) if (!touched.has(uid)) touched.set(uid, last);
    },
  };
}

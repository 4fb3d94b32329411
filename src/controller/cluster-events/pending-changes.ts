/** What of a trigger's objects differs from what the store knows: each object once, however often it changed. */
import type { KnownObject, ObjectPut } from '../../link/append-messages.ts';
import type { Look, ObjectView } from './object-view.ts';
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
  readonly size: number;
  /** The next few. They count as told when `told` says so; else `giveBack`. */
  take(): Promise<Batch>;
  told(batch: Batch): void;
  giveBack(batch: Batch): void;
}

type Unlearned = Extract<Look, { kind: 'unknown' }>;

interface Removal {
  readonly uid: string;
  readonly row: Told | undefined;
  readonly last: WatchedText | undefined;
}

export interface Batch {
  readonly puts: readonly ObjectPut[];
  /** What the store knows once they are told; undefined: nothing of it. */
  readonly after: ReadonlyMap<string, Told | undefined>;
  readonly touched: ReadonlyMap<string, WatchedText | undefined>;
  /** Set: objects whose fate could not be learned; they stay pending. */
  readonly failure: Unlearned | undefined;
}

const mostObjects = 100;
const mostLetters = 1024 * 1024;

export function createPendingChanges(view: () => ObjectView, expressions: string): PendingChanges {
  let known = new Map<string, Told>();
  /** Uid → last state seen of one that was deleted. */
  const touched = new Map<string, WatchedText | undefined>();
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

  function setOf(uid: string, { metadata, text }: WatchedText): ObjectPut {
    const { resourceVersion: version } = metadata;
    return { kind: 'set', uid, version, object: text, ...(first.has(uid) ? { baseline: true } : {}) };
  }

  /** What tells a store that an object is not selected any more. */
  async function remove({ uid, row, last }: Removal): Promise<readonly ObjectPut[] | Unlearned> {
    if (dropped.has(uid)) return [{ kind: 'drop', uid }];
    const gone: ObjectPut = { kind: 'gone', uid, ...(last === undefined ? {} : { object: last.text }) };
    // It came and went faster than it was told: its end is news all the same.
    const came = row === undefined && last !== undefined ? [setOf(uid, last)] : [];
    const placed = row ?? last?.metadata;
    if (placed === undefined || !view().mayLive(placed)) return [...came, gone];
    const look = await view().look({ uid, ...placed });
    if (look.kind === 'unknown') return look;
    return [...came, look.kind === 'gone' ? gone : { kind: 'left', uid, object: look.text }];
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
      const taken = new Map<string, WatchedText | undefined>();
      const removals: Removal[] = [];
      let letters = 0;
      for (const [uid, last] of touched) {
        if (taken.size >= mostObjects || letters >= mostLetters) break;
        touched.delete(uid);
        const object = view().find(uid);
        if (!differs(uid) && (object !== undefined || last === undefined)) continue;
        taken.set(uid, last);
        letters += (object ?? last)?.text.length ?? 0;
        if (object === undefined) removals.push({ uid, row: known.get(uid), last });
        else {
          const { resourceVersion: version, name, namespace } = object.metadata;
          puts.push(setOf(uid, object));
          after.set(uid, { version, name, expressions, ...(namespace === undefined ? {} : { namespace }) });
        }
      }
      let failure: Batch['failure'];
      const ends = await Promise.all(removals.map(remove));
      for (const [index, { uid, last }] of removals.entries()) {
        const end = ends[index];
        if (end !== undefined && 'kind' in end) {
          failure = end;
          taken.delete(uid);
          if (!touched.has(uid)) touched.set(uid, last);
        } else if (end !== undefined) {
          puts.push(...end);
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

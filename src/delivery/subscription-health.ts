/**
 * How a subscription has been doing, in key-value rows of a space no function can name: the last success, since when there
 * have been failures only, and whether it was switched off. Several workers write; each row is only ever replaced whole.
 */
import type { KeyValueWrite, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';

export interface Failing {
  /** Of the first failure since the last success; milliseconds since the epoch. */
  readonly since: number;
  readonly at: number;
  readonly error: string;
  /** The spec that failed; absent in rows of older versions. */
  readonly identity?: string;
}

export interface SwitchedOff {
  readonly at: number;
  readonly reason: 'Gone' | 'OnlyFailures';
  readonly error: string;
  /** The spec it holds for: an edited one is tried again. */
  readonly identity: string;
}

export interface SubscriptionHealth {
  readonly lastSuccess?: number;
  readonly failing?: Failing;
  readonly switchedOff?: SwitchedOff;
}

/** Only failures for so long: switched off. */
export const switchOffAfterMs = 5 * 86_400_000;
/** After a longer rest nobody knows how the receiver was: longer than the waits between two attempts of `retry.schedule`. */
export const longestPauseMs = 2 * 86_400_000;
/** One worker writes the same row at most so often. */
const restMs = 10_000;

export const healthScope = (namespaceUid: string, name: string): KeyValueScope => ({
  namespaceUid,
  space: `subscription:${name}`,
});

/** Reads the rows; a failure before the last success is over. */
export async function readHealth(store: Store, namespaceUid: string, name: string): Promise<SubscriptionHealth> {
  const scope = healthScope(namespaceUid, name);
  const [success, failure, off] = await Promise.all(
    ['success', 'failure', 'off'].map(async (key) => {
      const row = await store.get(scope, key);
      return row === undefined ? undefined : (JSON.parse(Buffer.from(row.value).toString('utf8')) as unknown);
    }),
  );
  const lastSuccess = success as number | undefined;
  const failing = failure as Failing | undefined;
  return {
    ...(lastSuccess === undefined ? {} : { lastSuccess }),
    ...(failing === undefined || failing.at <= (lastSuccess ?? 0) ? {} : { failing }),
    ...(off === undefined ? {} : { switchedOff: off as SwitchedOff }),
  };
}

export interface HealthBook {
  /** What a settled success writes; nothing while it was written a moment ago. It ends being switched off, too. */
  success(namespaceUid: string, name: string): readonly KeyValueWrite[];
  /** What a failed attempt writes, and since when there were failures only: of this spec, without a long pause. */
  failure(
    namespaceUid: string,
    name: string,
    identity: string,
    error: string,
  ): Promise<{ readonly writes: readonly KeyValueWrite[]; readonly onlyFailuresMs: number }>;
  /** Whether it is off, read again every few seconds. */
  switchedOff(namespaceUid: string, name: string): Promise<SwitchedOff | undefined>;
  /** The row that switches it off. */
  switchOff(namespaceUid: string, name: string, off: SwitchedOff): readonly KeyValueWrite[];
}

interface Known {
  successAt: number;
  failureAt: number;
  failing: Failing | undefined;
  off: SwitchedOff | undefined;
  offReadAt: number;
}

const longestError = 500;
/** Those that were deleted are among them; what is forgotten is read again. */
const mostKnown = 10_000;

/** The book of one worker. `now`: wall clock. */
export function createHealthBook(store: Store, now: () => number): HealthBook {
  const books = new Map<string, Known>();
  const bookOf = (namespaceUid: string, name: string): Known => {
    const key = `${namespaceUid}/${name}`;
    let known = books.get(key);
    if (known === undefined) {
      if (books.size >= mostKnown) books.clear();
      known = { successAt: -restMs, failureAt: -restMs, failing: undefined, off: undefined, offReadAt: -restMs };
      books.set(key, known);
    }
    return known;
  };
  const row = (namespaceUid: string, name: string, key: string, value: unknown): KeyValueWrite => ({
    scope: healthScope(namespaceUid, name),
    key,
    change: { kind: 'set', value: Buffer.from(JSON.stringify(value)) },
    owed: true,
  });

  return {
    success(namespaceUid, name) {
      const book = bookOf(namespaceUid, name);
      const time = now();
      const { off } = book;
      if (book.failing === undefined && off === undefined && time - book.successAt < restMs) return [];
      book.failing = undefined;
      book.off = undefined;
      book.successAt = time;
      const success = row(namespaceUid, name, 'success', time);
      if (off === undefined) return [success];
      return [success, { scope: healthScope(namespaceUid, name), key: 'off', change: { kind: 'delete' } }];
    },
    async failure(namespaceUid, name, identity, error) {
      const book = bookOf(namespaceUid, name);
      const time = now();
      if (book.failing?.identity === identity && time - book.failureAt < restMs) {
        return { writes: [], onlyFailuresMs: time - book.failing.since };
      }
      // Another worker may have had a success, or the first failure.
      const { failing } = await readHealth(store, namespaceUid, name);
      const goesOn =
        failing !== undefined && (failing.identity ?? identity) === identity && time - failing.at <= longestPauseMs;
      const since = goesOn ? failing.since : time;
      const next: Failing = { since, at: time, error: error.slice(0, longestError), identity };
      book.failing = next;
      book.failureAt = time;
      return { writes: [row(namespaceUid, name, 'failure', next)], onlyFailuresMs: time - next.since };
    },
    async switchedOff(namespaceUid, name) {
      const book = bookOf(namespaceUid, name);
      const time = now();
      if (time - book.offReadAt >= restMs) {
        book.offReadAt = time;
        book.off = (await readHealth(store, namespaceUid, name)).switchedOff;
      }
      return book.off;
    },
    switchOff(namespaceUid, name, off) {
      const book = bookOf(namespaceUid, name);
      book.off = off;
      book.offReadAt = now();
      return [row(namespaceUid, name, 'off', off)];
    },
  };
}

/** A list that grows at its top while somebody reads it: newest first, older ones on demand, never with a hole inside. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useFresh } from './use-fresh.ts';

export interface FeedPage<Row> {
  readonly rows: readonly Row[];
  /** Asks for the page after; absent: there is none. */
  readonly next?: string;
}

export interface Feed<Row> {
  /** Undefined until the first page is there. */
  readonly rows: readonly Row[] | undefined;
  /** Rows put above since the list began: whoever reads further down stays where he is. */
  readonly prepended: number;
  readonly more: boolean;
  /** More came at once than one page holds: the list began anew at the newest. */
  readonly jumped: boolean;
  readonly failure: Error | undefined;
  older(): void;
  /** Reads the first page anew. */
  again(): void;
}

interface Held<Row> {
  readonly key: string;
  readonly rows: readonly Row[];
  readonly next?: string | undefined;
  readonly prepended: number;
  readonly jumped: boolean;
}

/** More than anybody reads; above, the list ends and a filter finds what is older. */
const mostRows = 50_000;

export function useFeed<Row>(options: {
  read(next: string | undefined, signal: AbortSignal): Promise<FeedPage<Row>>;
  idOf(row: Row): string;
  /** The filter: another one begins anew. */
  readonly key: string;
  /** Grows when there may be more. */
  readonly version: number;
  readonly paused?: boolean;
}): Feed<Row> {
  const { key, version, idOf, paused = false } = options;
  const [held, setHeld] = useState<Held<Row>>();
  const frozen = useRef(version);
  if (!paused) frozen.current = version;
  const latest = useRef(options);
  latest.current = options;
  const first = useFresh((signal) => latest.current.read(undefined, signal), key, frozen.current);
  const loading = useRef(false);
  const current = held?.key === key ? held : undefined;

  useEffect(() => {
    const page = first.value;
    if (page !== undefined) setHeld((before) => joined(before?.key === key ? before : undefined, page, key, idOf));
  }, [first.value]);

  return {
    rows: current?.rows,
    prepended: current?.prepended ?? 0,
    more: current?.next !== undefined,
    jumped: current?.jumped ?? false,
    failure: first.failure,
    again: first.again,
    older: () => {
      if (loading.current || current?.next === undefined || current.rows.length >= mostRows) return;
      loading.current = true;
      const leaving = new AbortController();
      latest.current
        .read(current.next, leaving.signal)
        .then((page) => setHeld((before) => (before?.key === key ? lengthened(before, page, idOf) : before)))
        // The next scroll asks again; the first page says what is wrong.
        .catch(() => undefined)
        .finally(() => (loading.current = false));
    },
  };
}

function joined<Row>(
  before: Held<Row> | undefined,
  page: FeedPage<Row>,
  key: string,
  idOf: (row: Row) => string,
): Held<Row> {
  const fresh = { key, rows: page.rows, next: page.next, prepended: 0, jumped: false };
  if (before === undefined || before.rows.length === 0) return fresh;
  const ids = new Set(page.rows.map(idOf));
  const overlaps = before.rows.some((row) => ids.has(idOf(row)));
  if (!overlaps) return page.next === undefined ? fresh : { ...fresh, jumped: true };
  // What the page shows is its state now; below it stays what was read before.
  const last = page.rows.at(-1);
  const lastId = last === undefined ? undefined : idOf(last);
  const end = before.rows.findLastIndex((row) => idOf(row) === lastId);
  const below = page.next === undefined ? [] : before.rows.slice(end + 1).filter((row) => !ids.has(idOf(row)));
  const known = new Set(before.rows.map(idOf));
  const added = page.rows.filter((row) => !known.has(idOf(row))).length;
  return {
    key,
    rows: end === -1 ? page.rows : [...page.rows, ...below],
    next: end === -1 || below.length === 0 ? page.next : before.next,
    prepended: before.prepended + added,
    jumped: before.jumped,
  };
}

function lengthened<Row>(before: Held<Row>, page: FeedPage<Row>, idOf: (row: Row) => string): Held<Row> {
  const known = new Set(before.rows.map(idOf));
  const rows = page.rows.filter((row) => !known.has(idOf(row)));
  // A page of what is there already ends the list: nothing older is kept.
  const next = rows.length === 0 ? undefined : page.next;
  return { ...before, rows: [...before.rows, ...rows], next };
}

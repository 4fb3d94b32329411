/** Functions with how they did over the last minute, a page at a time: those that need somebody can come first. Pure. */
import type { FunctionRow } from './console-source.ts';
import { pageOf } from './page-of-list.ts';
import type { FunctionMeasures } from '../telemetry/measures.ts';
import type { PageWish } from './watch-source.ts';

/** A function in the overview. */
export interface StandingRow extends FunctionRow {
  /** Absent: not called. */
  readonly measures?: FunctionMeasures;
}

export interface StandingPage {
  readonly total: number;
  readonly rows: readonly StandingRow[];
  /** Of all functions, whatever the filter. */
  readonly counts: { readonly functions: number; readonly ready: number };
}

const orders = ['name', 'trouble', 'rate', 'slow'] as const;

export type StandingOrder = (typeof orders)[number];

/** An order that is not known is that of names. */
export function listStanding(
  functions: readonly FunctionRow[],
  measures: ReadonlyMap<string, FunctionMeasures>,
  wish: PageWish,
  wanted: string | undefined,
): StandingPage {
  const order = orders.find((each) => each === wanted) ?? 'name';
  const rows = functions.map((row): StandingRow => {
    const own = measures.get(`${row.namespace}/${row.name}`);
    return own === undefined ? row : { ...row, measures: own };
  });
  const weight = weights[order];
  const sorted = order === 'name' ? rows : rows.toSorted((one, other) => weight(other) - weight(one));
  const page = pageOf(sorted, wish, ({ namespace, name, reason, triggers }) =>
    [`${namespace}/${name}`, reason, ...triggers.map(({ kind }) => kind)].join(' '),
  );
  const ready = functions.filter((row) => row.ready === 'True').length;
  return { ...page, counts: { functions: functions.length, ready } };
}

const weights: Readonly<Record<StandingOrder, (row: StandingRow) => number>> = {
  name: () => 0,
  trouble: ({ ready, measures }) => (ready === 'True' ? 0 : 2) + (measures?.failedShare ?? 0),
  rate: ({ measures }) => measures?.perSecond ?? 0,
  slow: ({ measures }) => measures?.p99Ms ?? 0,
};

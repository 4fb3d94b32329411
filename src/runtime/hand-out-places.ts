/** Hands out where a function's numbers live: its position in the in-flight counts and its counter rows. */
import type { FunctionEntry } from '../routing/types.ts';
import type { FunctionPlaces } from './worker-messages.ts';

/** Labels of one counter row. */
export interface RowLabels {
  readonly namespace: string;
  readonly functionName: string;
  readonly trigger: string;
}

/** Row 0: functions beyond the cap on labels. */
export const otherRow = 0;
const otherLabels: RowLabels = { namespace: 'other', functionName: 'other', trigger: 'other' };

const noRows: Readonly<Record<string, number>> = {};

interface Held {
  readonly index: number;
  readonly callRow: number;
  /** False: beyond the cap, counted as `other`. */
  readonly labelled: boolean;
  /** Of its triggers, with labels only. */
  readonly rows: Map<string, number> | undefined;
}

export interface PlaceBook {
  /** Stable for a function as long as it is in the table; undefined: there is no place left. */
  take(entry: FunctionEntry): FunctionPlaces | undefined;
  release(uid: string): void;
  rows(): Iterable<readonly [number, RowLabels]>;
  indexes(): Iterable<readonly [string, number]>;
}

export function createPlaceBook(options: {
  readonly maxFunctions: number;
  readonly labelledFunctions: number;
  readonly maxRows: number;
  /** Called before a row or a position goes to its next owner: late counts of the last one must not be taken over. */
  clearRow(row: number): void;
  clearIndex(index: number): void;
}): PlaceBook {
  const held = new Map<string, Held>();
  const labels = new Map<number, RowLabels>([[otherRow, otherLabels]]);
  const freeIndexes: number[] = [];
  const freeRows: number[] = [];
  let nextIndex = 0;
  let nextRow = 1;
  let labelled = 0;

  function takeRow(entry: FunctionEntry, trigger: string): number {
    const used = freeRows.pop();
    if (used !== undefined) options.clearRow(used);
    const row = used ?? (nextRow < options.maxRows ? nextRow++ : otherRow);
    if (row !== otherRow) labels.set(row, { namespace: entry.namespace, functionName: entry.name, trigger });
    return row;
  }

  function freeRow(row: number): void {
    if (row === otherRow) return;
    labels.delete(row);
    freeRows.push(row);
  }

  function open(entry: FunctionEntry): Held | undefined {
    const used = freeIndexes.pop();
    if (used !== undefined) options.clearIndex(used);
    const index = used ?? (nextIndex < options.maxFunctions ? nextIndex++ : undefined);
    if (index === undefined) return undefined;
    const own = labelled < options.labelledFunctions;
    if (own) labelled += 1;
    const place = {
      index,
      labelled: own,
      callRow: own ? takeRow(entry, '-') : otherRow,
      rows: own ? new Map<string, number>() : undefined,
    };
    held.set(entry.uid, place);
    return place;
  }

  return {
    take(entry) {
      const place = held.get(entry.uid) ?? open(entry);
      if (place === undefined) return undefined;
      const { index, callRow, rows } = place;
      // Its triggers count where its calls do: as `other`.
      if (rows === undefined) return { index, callRow, triggerRows: noRows };
      const names = new Set(entry.triggers.map(({ name }) => name));
      for (const [name, row] of rows) {
        if (names.has(name)) continue;
        rows.delete(name);
        freeRow(row);
      }
      for (const name of names) if (!rows.has(name)) rows.set(name, takeRow(entry, name));
      return { index, callRow, triggerRows: Object.fromEntries(rows) };
    },
    release(uid) {
      const place = held.get(uid);
      if (place === undefined) return;
      held.delete(uid);
      freeIndexes.push(place.index);
      if (place.labelled) labelled -= 1;
      for (const row of [place.callRow, ...(place.rows?.values() ?? [])]) freeRow(row);
    },
    rows: () => labels,
    *indexes() {
      for (const [uid, { index }] of held) yield [uid, index] as const;
    },
  };
}

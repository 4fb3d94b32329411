/**
 * The `resourceVersion` of a list of deliveries: a number under which runtimes remember what they answered, and how many
 * changes were told since. Clients may compare two of them as numbers, and do nothing else with them. Pure.
 */

/** How many changes can be told of one list. */
export const mostChanges = 99_999;
const stepDigits = 5;
/** 2020-01-01: with it the whole number stays within 63 bits until 2049. */
const epoch = 1_577_836_800_000;

/** `random`: from 0 up to 1. Of two that meet in a hundredth of a millisecond, both are of the same moment. */
export function newSnapshot(wall: number, random: number): string {
  const hundredth = Math.min(99, Math.floor(random * 100));
  return `${Math.max(1, Math.floor(wall - epoch))}${String(hundredth).padStart(2, '0')}`;
}

export function versionOf(snapshot: string, change: number): string {
  return `${snapshot}${String(change).padStart(stepDigits, '0')}`;
}

export interface SnapshotVersion {
  readonly snapshot: string;
  readonly change: number;
}

/** Undefined: it is none of ours. */
export function readVersion(text: string): SnapshotVersion | undefined {
  if (!/^[1-9][0-9]{7,18}$/.test(text)) return undefined;
  return { snapshot: text.slice(0, -stepDigits), change: Number(text.slice(-stepDigits)) };
}

/** A waiting host function under way, and its outcome as long as Lua may still ask for it. */
import type { Call } from './call.ts';
import type { Outcome, Reading } from './journal.ts';
import { isLazy } from './push-value.ts';
import type { HostCallRecord, LuaInput, LuaKey } from './types.ts';

/** Composites (`members`) are done when one of their members is. */
export interface Operation {
  readonly number: number;
  readonly name: string;
  readonly members?: readonly Operation[];
  outcome: Outcome | undefined;
  /** Lua may see it: set only when the main coroutine is resumed, so that order of arrival is recorded. */
  visible: boolean;
  /** Bytes the call holds for its outcome. */
  weight?: number;
  /** The line about it; absent: it never settled. */
  told?: HostCallRecord;
}

/** Nothing that Lua has seen is kept for it: only a plain run is run again from its start. */
const seen: Outcome = { ok: true, results: [] };
const valueBytes = 16;
const deepest = 64;
/** What a plain run may keep to be run again: above, it is, and keeps nothing from then on. */
const mostKept = 1024 * 1024;
/** Of its memory, at most. */
const keptShare = 1 / 8;

/** The outcome is there: until it is given up it counts against the memory of the call. Throws the end of one that has no room. */
export function keepOutcome(call: Call, operation: Operation, outcome: Outcome): void {
  operation.outcome = outcome;
  const weight = weigh(outcome);
  if (weight === 0) return;
  operation.weight = weight;
  call.keptBytes += weight;
  call.heldByOperations += weight;
  call.hold(weight);
}

/** The outcome for Lua, which may be the last time that it is asked for. */
export function takeOutcome(call: Call, operation: Operation, outcome: Outcome): Outcome {
  if (call.keepsJournal) return outcome;
  const { weight = 0 } = operation;
  operation.outcome = seen;
  operation.weight = 0;
  call.heldByOperations -= weight;
  if (weight > 0) call.hold(-weight);
  return outcome;
}

/** Whether a plain run keeps so much that it has to be run again in slices. */
export function keepsTooMuch(call: Call): boolean {
  const { keptBytes, limits } = call;
  return keptBytes > 0 && keptBytes > Math.min(mostKept, limits.memoryBytes * keptShare) && call.mayReslice;
}

/** Bytes that a reading or an outcome takes, about; small ones take none. */
export function weigh(reading: Reading): number {
  if (typeof reading === 'number') return 0;
  if (reading instanceof Uint8Array) return reading.byteLength;
  if (!reading.ok) return weighValue(reading.value);
  let sum = 0;
  for (const result of reading.results) sum += weighValue(result);
  return sum;
}

function weighValue(value: LuaInput, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  // What is deeper is refused when it is given to Lua.
  if (depth > deepest || isLazy(value)) return 0;
  let sum = 0;
  if (Array.isArray(value)) {
    for (const member of value as readonly LuaInput[]) sum += valueBytes + weighValue(member, depth + 1);
    return sum;
  }
  const members = value instanceof Map ? (value as ReadonlyMap<LuaKey, LuaInput>) : Object.entries(value);
  for (const [key, member] of members) {
    sum += valueBytes + (typeof key === 'string' ? key.length : 0) + weighValue(member, depth + 1);
  }
  return sum;
}

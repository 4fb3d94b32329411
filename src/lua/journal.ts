/** What a call learned from outside, in order: feeds a run again in slices, and a replay of a recorded call. */
import type { HostCallRecord, LuaInput } from './types.ts';

/** The settled outcome of a waiting host function. */
export type Outcome =
  | { readonly ok: true; readonly results: readonly LuaInput[] }
  | { readonly ok: false; readonly message: string; readonly value: LuaInput; readonly defect: boolean };

/** One reading: wall clock, random bytes, time since the start, or results of a direct function with an effect. */
export type Reading = number | Uint8Array | Outcome;

/** A call's record: with the program and the event, everything a replay needs. */
export interface JournalRecord {
  readonly seed: readonly [bigint, bigint] | undefined;
  readonly readings: readonly Reading[];
  /** Outcomes by operation number (from 1); undefined: never settled. */
  readonly outcomes: readonly (Outcome | undefined)[];
  /** What was told of each of them. */
  readonly told: readonly (HostCallRecord | undefined)[];
  /** Which operations became visible at each resumption. */
  readonly resumptions: readonly (readonly number[])[];
}

/** Readings and resumptions with a cursor: reads back what is known, then records what is new. */
export class Journal {
  readonly readings: Reading[] = [];
  readonly resumptions: (readonly number[])[] = [];
  #reading = 0;
  #resumption = 0;

  /** Starts reading from the beginning. */
  rewind(): void {
    this.#reading = 0;
    this.#resumption = 0;
  }

  take<Value extends Reading>(make: () => Value, keep: boolean): Value {
    const known = this.readings[this.#reading];
    if (known !== undefined) {
      // What is not kept any more is read for the last time.
      if (!keep) this.readings[this.#reading] = 0;
      this.#reading += 1;
      return known as Value;
    }
    const made = make();
    if (keep) {
      this.readings.push(made);
      this.#reading += 1;
    }
    return made;
  }

  /** The next recorded resumption, if there is one. */
  nextResumption(): readonly number[] | undefined {
    const next = this.resumptions[this.#resumption];
    if (next !== undefined) this.#resumption += 1;
    return next;
  }

  resumed(operations: readonly number[]): void {
    this.resumptions.push(operations);
    this.#resumption += 1;
  }
}

/**
 * The operations of one turn, each undone alone where it fails. Appends that came one after the other share a savepoint:
 * inside of one, SQLite keeps a copy of every page that is changed, which for each append alone costs as much as its rows.
 */

export interface TurnStep {
  /** Mostly succeeds, and may be run again after it was undone. */
  readonly shared: boolean;
  /** `together`: beside others in a savepoint. What it throws then makes all of them run again, each alone. */
  run(together: boolean): unknown;
}

export type StepOutcome = { readonly value: unknown } | { readonly error: Error };

export interface TurnBorders {
  /** Undoes what the work did and throws on, if it throws. */
  inSavepoint<Value>(work: () => Value): Value;
  /** What those that ran together have left to be done, before their savepoint is released. */
  completeTogether(): void;
  /** False: the transaction itself is gone, and with it the whole turn. */
  isOpen(): boolean;
}

/** Of a turn in which so many fail, each step runs alone, and so do those of the next turns: halves would be run too often. */
const manyFailures = 4;
const turnsAlone = 64;

/** Answers the function that runs a turn; it throws when the transaction was lost. */
export function createTurns({
  inSavepoint,
  completeTogether,
  isOpen,
}: TurnBorders): (steps: readonly TurnStep[]) => StepOutcome[] {
  let alone = 0;
  /** In this turn. */
  let failures = 0;

  function runAlone(step: TurnStep): StepOutcome {
    try {
      return { value: inSavepoint(() => step.run(false)) };
    } catch (error) {
      if (!isOpen()) throw error;
      countFailure();
      return { error: error as Error };
    }
  }

  function countFailure(): void {
    failures += 1;
    if (failures === manyFailures) alone = turnsAlone;
  }

  /** Where one fails, both halves run again: of many, few run more than twice because of one. */
  function runTogether(steps: readonly TurnStep[]): StepOutcome[] {
    if (steps.length === 1 || alone > 0) return steps.map(runAlone);
    try {
      return inSavepoint(() => {
        const outcomes = steps.map((step) => ({ value: step.run(true) }));
        completeTogether();
        return outcomes;
      });
    } catch (error) {
      if (!isOpen()) throw error;
      const half = steps.length >> 1;
      const before = failures;
      const outcomes = runTogether(steps.slice(0, half));
      outcomes.push(...runTogether(steps.slice(half)));
      // Each is good, but not beside the others: that cost as much.
      if (failures === before) countFailure();
      return outcomes;
    }
  }

  return (steps) => {
    failures = 0;
    if (alone > 0) {
      alone -= 1;
      return steps.map(runAlone);
    }
    const outcomes: StepOutcome[] = [];
    for (let from = 0; from < steps.length;) {
      let to = from + 1;
      if (steps[from]?.shared === true) while (steps[to]?.shared === true) to += 1;
      outcomes.push(...runTogether(steps.slice(from, to)));
      from = to;
    }
    return outcomes;
  };
}

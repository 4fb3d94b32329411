/**
 * The operations of one turn, each undone alone where it fails. Appends that came one after the other share a savepoint:
 * inside of one, SQLite keeps a copy of every page that is changed, which for each append alone costs as much as its rows.
 */

export interface TurnStep {
  /** Mostly succeeds, and may be run again after it was undone. */
  readonly shared: boolean;
  /** Asked when its turn has come: an error is its outcome without a run; what is doubtful is undone alone if it fails. */
  refusal?(): Error | 'doubtful' | undefined;
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
    let refused: ReturnType<Required<TurnStep>['refusal']>;
    try {
      refused = step.refusal?.();
      if (refused instanceof Error) return { error: refused };
      return { value: inSavepoint(() => step.run(false)) };
    } catch (error) {
      if (!isOpen()) throw error;
      // Whoever was doubtful makes nobody else run again.
      if (refused === undefined) countFailure();
      return { error: error as Error };
    }
  }

  /** Inside the savepoint of its group. */
  function runBesideOthers(step: TurnStep): StepOutcome {
    const refused = step.refusal?.();
    if (refused === undefined) return { value: step.run(true) };
    if (refused !== 'doubtful') return { error: refused };
    // Otherwise what undoes it would undo them.
    completeTogether();
    return runAlone(step);
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
        const outcomes = steps.map(runBesideOthers);
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

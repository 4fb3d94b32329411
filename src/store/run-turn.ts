/**
 * The operations of one turn, each undone alone where it fails. Appends that came one after the other share a savepoint:
 * inside of one, SQLite keeps a copy of every page that is changed, which for each append alone costs as much as its rows.
 */

export interface TurnStep {
  /** Mostly succeeds, and may be run again after it was undone. */
  readonly shared: boolean;
  run(): unknown;
}

export type StepOutcome = { readonly value: unknown } | { readonly error: Error };

export interface TurnBorders {
  /** Undoes what the work did and throws on, if it throws. */
  inSavepoint<Value>(work: () => Value): Value;
  /** False: the transaction itself is gone, and with it the whole turn. */
  isOpen(): boolean;
}

/** After a failure in company, so many turns run each step alone: whoever fails again and again makes nobody run twice. */
const turnsAlone = 64;

/** Answers the function that runs a turn; it throws when the transaction was lost. */
export function createTurns({ inSavepoint, isOpen }: TurnBorders): (steps: readonly TurnStep[]) => StepOutcome[] {
  let alone = 0;

  function runAlone(step: TurnStep): StepOutcome {
    try {
      return { value: inSavepoint(() => step.run()) };
    } catch (error) {
      if (!isOpen()) throw error;
      return { error: error as Error };
    }
  }

  function runTogether(steps: readonly TurnStep[]): StepOutcome[] {
    try {
      return inSavepoint(() => steps.map((step) => ({ value: step.run() })));
    } catch (error) {
      if (!isOpen()) throw error;
      alone = turnsAlone;
      return steps.map(runAlone);
    }
  }

  return (steps) => {
    if (alone > 0) {
      alone -= 1;
      return steps.map(runAlone);
    }
    const outcomes: StepOutcome[] = [];
    for (let from = 0; from < steps.length;) {
      let to = from + 1;
      if (steps[from]?.shared === true) while (steps[to]?.shared === true) to += 1;
      const group = steps.slice(from, to);
      outcomes.push(...(group.length === 1 ? group.map(runAlone) : runTogether(group)));
      from = to;
    }
    return outcomes;
  };
}

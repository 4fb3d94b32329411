/**
 * How many events may descend from one that came from outside: divided among the children of each, so that a storm of
 * functions that set each other off runs dry, while a chain without branches keeps all of it. Pure.
 */

/** Of an event, a request or a schedule's slot that nothing of this installation set off. */
export const rootBudget = 10_000;

/** What each of so many children gets; with 0 it runs, and sets nothing off any more. */
export function shareBudget(budget: number, children: number): number {
  return Math.floor(budget / Math.max(1, children));
}

/** Reads a budget from outside: it can only be smaller than that of a root. Undefined: it is none. */
export function readBudget(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Math.min(rootBudget, Number(text)) : undefined;
}

/**
 * Gives shares to children whose number is not known beforehand: one from a half that is kept for children, and a half of
 * what is left of the other. All shares together are never more than the budget.
 */
export class BudgetSplit {
  #children: number;
  #descendants: number;

  constructor(budget: number) {
    this.#descendants = Math.floor(budget / 2);
    this.#children = budget - this.#descendants;
  }

  /** Undefined: used up. */
  take(): number | undefined {
    if (this.#children < 1) return undefined;
    this.#children -= 1;
    const more = Math.floor(this.#descendants / 2);
    this.#descendants -= more;
    return 1 + more;
  }
}

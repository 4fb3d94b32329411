/**
 * Starts work that was leased a little at a time: between two portions the event loop takes what has arrived meanwhile, so
 * a backlog does not hold synchronous calls up. Portions grow while turns are short and shrink when they are not.
 */

export interface TurnSource {
  /** Calls back after what is ready now. */
  nextTurn(callback: () => void): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Somebody waits for answers: portions stay small. */
  isBusy(): boolean;
}

const longTurnMs = 2;
const shortTurnMs = 1;
const largestPortion = 32;
const largestWhileBusy = 4;

/** Answers a function that starts each of its items, in order. */
export function startInTurns<Item>({ nextTurn, now, isBusy }: TurnSource, start: (item: Item) => void) {
  let queue: Item[] = [];
  let portion = 4;
  let began: number | undefined;

  function turn(): void {
    const time = now();
    if (began !== undefined) {
      const took = time - began;
      if (took > longTurnMs) portion = Math.max(1, Math.floor(portion / 2));
      else if (took < shortTurnMs) portion = Math.min(largestPortion, portion * 2);
    }
    if (isBusy()) portion = Math.min(portion, largestWhileBusy);
    const some = queue.slice(0, portion);
    queue = queue.slice(portion);
    for (const item of some) start(item);
    began = queue.length === 0 ? undefined : time;
    if (queue.length > 0) nextTurn(turn);
  }

  return (items: readonly Item[]): void => {
    const idle = queue.length === 0;
    queue.push(...items);
    if (idle && queue.length > 0) nextTurn(turn);
  };
}

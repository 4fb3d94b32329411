/**
 * Takes a row of work a little at a time: between two portions the event loop takes what has arrived meanwhile, so a backlog
 * does not hold synchronous calls up. Each item gets a callback of its own, and what it does at once (a call of Lua, in
 * microtasks) counts: a turn takes as many as fit in its time.
 */

export interface TurnSource {
  /** Calls back after what is ready now. */
  nextTurn(callback: () => void): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** Somebody waits for answers: turns stay short. */
  isBusy(): boolean;
  /** Calls back after a pause, between two turns while somebody waits for answers; absent: the next turn comes at once. */
  rest?(workedMs: number, callback: () => void): void;
}

const turnMs = 4;
const busyTurnMs = 1;
const mostInTurn = 64;

/** Answers a function that starts each of its items, in order. */
export function takeInTurns<Item>(
  { nextTurn, now, isBusy, rest }: TurnSource,
  start: (item: Item) => void,
): (items: readonly Item[]) => void {
  const queue: (Item | undefined)[] = [];
  let taken = 0;
  /** A turn is under way, or the pause after it. */
  let going = false;
  let began = 0;
  let until = 0;

  /** Callbacks that are asked for now all come in one turn. */
  function line(): void {
    going = true;
    const lined = Math.min(queue.length - taken, mostInTurn);
    for (let each = 0; each < lined; each += 1) nextTurn(each === 0 ? first : step);
    nextTurn(finish);
  }

  function first(): void {
    began = now();
    until = began + (isBusy() ? busyTurnMs : turnMs);
    take();
  }

  function step(): void {
    if (now() < until) take();
  }

  function take(): void {
    const item = queue[taken] as Item;
    queue[taken++] = undefined;
    start(item);
  }

  function finish(): void {
    if (taken === queue.length || taken >= 1024) {
      queue.splice(0, taken);
      taken = 0;
    }
    if (rest === undefined || !isBusy()) goOn();
    else rest(now() - began, goOn);
  }

  function goOn(): void {
    going = false;
    if (queue.length > taken) line();
  }

  return (items) => {
    queue.push(...items);
    if (!going) goOn();
  };
}

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
}

const turnMs = 4;
const busyTurnMs = 1;
const mostInTurn = 64;

/** Answers a function that starts each of its items, in order. */
export function takeInTurns<Item>(
  { nextTurn, now, isBusy }: TurnSource,
  start: (item: Item) => void,
): (items: readonly Item[]) => void {
  const queue: (Item | undefined)[] = [];
  let taken = 0;
  let lined = 0;
  let until = 0;

  /** Callbacks that are asked for now all come in one turn. */
  function line(): void {
    lined = Math.min(queue.length - taken, mostInTurn);
    for (let each = 0; each < lined; each += 1) nextTurn(each === 0 ? first : step);
  }

  function first(): void {
    until = now() + (isBusy() ? busyTurnMs : turnMs);
    take();
  }

  function step(): void {
    if (now() < until) take();
    else ended();
  }

  function take(): void {
    const item = queue[taken] as Item;
    queue[taken++] = undefined;
    ended();
    start(item);
  }

  function ended(): void {
    lined -= 1;
    if (lined > 0) return;
    if (taken === queue.length || taken >= 1024) {
      queue.splice(0, taken);
      taken = 0;
    }
    if (queue.length > taken) line();
  }

  return (items) => {
    const idle = lined === 0;
    queue.push(...items);
    if (idle && queue.length > taken) line();
  };
}

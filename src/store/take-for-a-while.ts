/**
 * Takes a row of work whose items are done when they return, as many in a turn of the event loop as fit in its time: others
 * have their turn in between. Unlike `takeInTurns`, items need no callback each.
 */
import type { TurnSource } from './take-in-turns.ts';

const turnMs = 1;
/** Items that were taken leave the row when there are so many. */
const mostTaken = 1024;

export function takeForAWhile<Item>(
  { nextTurn, now }: Pick<TurnSource, 'nextTurn' | 'now'>,
  take: (item: Item) => void,
): (items: readonly Item[]) => void {
  let queue: Item[] = [];
  let taken = 0;
  let going = false;

  function turn(): void {
    const until = now() + turnMs;
    try {
      do take(queue[taken++] as Item);
      while (taken < queue.length && now() < until);
    } finally {
      // Also where one threw: those behind it have asked for nothing of the kind.
      goOn();
    }
  }

  function goOn(): void {
    // While there is always more, what was taken must not stay for ever.
    if (taken === queue.length || taken >= mostTaken) {
      queue = queue.slice(taken);
      taken = 0;
    }
    going = queue.length > 0;
    if (going) nextTurn(turn);
  }

  return (items) => {
    queue.push(...items);
    if (going || queue.length === 0) return;
    going = true;
    turn();
  };
}

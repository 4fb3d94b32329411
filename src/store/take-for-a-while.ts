/**
 * Takes a row of work whose items are done when they return, as many in a turn of the event loop as fit in its time: others
 * have their turn in between. Unlike `takeInTurns`, items need no callback each.
 */
import type { TurnSource } from './take-in-turns.ts';

const turnMs = 1;

export function takeForAWhile<Item>(
  { nextTurn, now }: Pick<TurnSource, 'nextTurn' | 'now'>,
  take: (item: Item) => void,
): (items: readonly Item[]) => void {
  let queue: Item[] = [];
  let taken = 0;
  let going = false;

  function turn(): void {
    const until = now() + turnMs;
    do take(queue[taken++] as Item);
    while (taken < queue.length && now() < until);
    if (taken < queue.length) return nextTurn(turn);
    queue = [];
    taken = 0;
    going = false;
  }

  return (items) => {
    queue.push(...items);
    if (going || queue.length === 0) return;
    going = true;
    turn();
  };
}

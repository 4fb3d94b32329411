/**
 * Which heads are told at once: what is due of each namespace, up to a number, and when to ask again. Of what waits for
 * later, and of what is due but runs nowhere now, a namespace may have as many destinations as it has rows: whoever leases
 * asks many times a second, and every thread would be told all of them each time.
 */
import type { Head } from './store.ts';

/** Of one namespace; more than a pull leases. */
const mostOfNamespace = 500;
/** Others have their turn when it is asked again. */
const againMs = 100;
/** Its multiples lie evenly between whole numbers, whichever of them one of several askers gets. */
const golden = 0.618_033_988_749_894_9;

export class ToldHeads {
  #turn = 0;

  /** Of what is not due only the head that will be first. */
  choose(heads: Iterable<readonly [destination: string, dueInMs: number]>): readonly Head[] {
    const due: string[] = [];
    let next = '';
    let nextMs = Infinity;
    for (const [destination, dueInMs] of heads) {
      if (dueInMs <= 0) due.push(destination);
      // Of two at the same time always the same one.
      else if (dueInMs < nextMs || (dueInMs === nextMs && destination < next)) [next, nextMs] = [destination, dueInMs];
    }
    const { told, left } = due.length > mostOfNamespace ? this.#share(due) : { told: due, left: undefined };
    const answer = told.map((destination): Head => ({ destination, dueInMs: 0 }));
    if (left !== undefined && nextMs > againMs) [next, nextMs] = [left, againMs];
    if (nextMs < Infinity) answer.push({ destination: next, dueInMs: nextMs });
    return answer;
  }

  /** `left`: one for which there was no room. */
  #share(due: readonly string[]): { readonly told: readonly string[]; readonly left: string | undefined } {
    this.#turn = (this.#turn + golden) % 1;
    const told: string[] = [];
    let left: string | undefined;
    for (const own of Map.groupBy(due, (each) => each.slice(0, each.indexOf('/'))).values()) {
      const cut = own.length > mostOfNamespace;
      const first = cut ? Math.floor(this.#turn * own.length) : 0;
      const turned = first === 0 ? own : [...own.slice(first), ...own.slice(0, first)];
      told.push(...turned.slice(0, mostOfNamespace));
      left ??= turned[mostOfNamespace];
    }
    return { told, left };
  }
}

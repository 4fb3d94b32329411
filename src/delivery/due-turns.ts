/**
 * Whose turn it is among the destinations that are due: namespaces first, then the destinations of each. Whoever has ten
 * thousand with a backlog gets as much of a pull as whoever has one.
 */
import { namespaceOf } from './destination.ts';
import { isOutgoingName } from './outgoing-destination.ts';
import { shareOut, type Due } from './share-out.ts';
import type { Head, LeaseWish } from '../store/store.ts';

/** So many that nothing runs of are remembered in any case. */
const fewNamespaces = 1000;

export interface SharedPlaces {
  /** That the namespace of a destination may take now; those of functions and those outside share different ones. */
  free(destination: string): number;
  take(destination: string, count?: number): void;
  leave(destination: string, count?: number): void;
}

interface Starting {
  /** Deliveries that may start now for a destination, by its own limits: asked until the part of its namespace is full. */
  slots(destination: string): number;
  readonly places: SharedPlaces;
}

interface Waiting {
  destinations: string[];
  /** Whose turn it is. */
  at: number;
}

export class DueTurns {
  /** Also of namespaces of which nothing is due now. */
  #known = new Map<string, Waiting>();
  #due: Waiting[] = [];
  #turn = 0;
  /** Milliseconds until the next head that was not due; `Infinity`: there is none. */
  untilNext = Infinity;

  /** What the store says anew. */
  renew(heads: readonly Head[]): void {
    for (const each of this.#due) each.destinations = [];
    if (this.#known.size > 2 * this.#due.length + fewNamespaces) this.#known.clear();
    this.#due = [];
    this.untilNext = Infinity;
    for (const { destination, dueInMs } of heads) {
      if (dueInMs > 0) this.untilNext = Math.min(this.untilNext, dueInMs);
      else this.#add(destination);
    }
  }

  #add(destination: string): void {
    const sharing = sharingOf(destination);
    let waiting = this.#known.get(sharing);
    if (waiting === undefined) {
      waiting = { destinations: [], at: 0 };
      this.#known.set(sharing, waiting);
    }
    if (waiting.destinations.length === 0) this.#due.push(waiting);
    waiting.destinations.push(destination);
  }

  /**
   * At most `most` deliveries, an equal part for each namespace in its turn; what one leaves is for those behind it. Their
   * places are taken. `loads`: what runs of each destination.
   */
  choose(most: number, loads: ReadonlyMap<string, number>, { slots, places }: Starting): readonly LeaseWish[] {
    const due = this.#due;
    const wishes: LeaseWish[] = [];
    let left = most;
    const start = this.#turn;
    for (let index = 0; index < due.length && left > 0; index += 1) {
      const waiting = due[(start + index) % due.length] as Waiting;
      const part = Math.min(Math.ceil(left / (due.length - index)), places.free(waiting.destinations[0] as string));
      for (const wish of shareOut(able(waiting, part, slots), loads, part)) {
        places.take(wish.destination, wish.max);
        wishes.push(wish);
        left -= wish.max;
      }
      this.#turn = (start + index + 1) % due.length;
    }
    return wishes;
  }
}

/** Destinations with the same text have places in common. */
function sharingOf(destination: string): string {
  const namespaceUid = namespaceOf(destination);
  return isOutgoingName(destination) ? `${namespaceUid}/-` : namespaceUid;
}

/** Destinations that may start something, at most `enough`, from the one whose turn it is. */
function able(waiting: Waiting, enough: number, slots: Starting['slots']): readonly Due[] {
  const { destinations, at } = waiting;
  const found: Due[] = [];
  for (let looked = 0; looked < destinations.length && found.length < enough; looked += 1) {
    const destination = destinations[(at + looked) % destinations.length] as string;
    const free = slots(destination);
    waiting.at = (at + looked + 1) % destinations.length;
    if (free > 0) found.push({ destination, slots: free });
  }
  return found;
}

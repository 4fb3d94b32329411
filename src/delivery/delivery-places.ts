/** Places of what a worker delivers at once: calls of functions, and requests that hold a socket and little else. */
import { namespaceOf } from './destination.ts';
import { isOutgoingName } from './outgoing-destination.ts';
import { Places } from './places.ts';

/** They must not take the places of functions. */
const mostOutgoing = 1000;

export class DeliveryPlaces {
  readonly #calls: Places;
  readonly #outgoing = new Places(mostOutgoing);

  /** `running`: asynchronous calls at once. */
  constructor(running: number) {
    this.#calls = new Places(running);
  }

  take(destination: string, count?: number): void {
    this.#of(destination).take(namespaceOf(destination), count);
  }

  leave(destination: string, count?: number): void {
    this.#of(destination).leave(namespaceOf(destination), count);
  }

  /** Those that its namespace may take now. */
  free(destination: string): number {
    return this.#of(destination).free(namespaceOf(destination));
  }

  #of(destination: string): Places {
    return isOutgoingName(destination) ? this.#outgoing : this.#calls;
  }
}

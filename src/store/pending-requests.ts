/**
 * Requests that wait for their answers, by a number that is used again: in a `Map`, which V8 makes anew now and then, the
 * tables of before would keep what was asked until the whole heap is collected (as told in `lua/roll.ts`).
 */

export interface PendingRequest {
  // Each request knows the type of its own answer.
  resolve(value: never): void;
  reject(error: Error): void;
  /** What goes on with the answer is done when `resolve` returns: it needs no callback of its own. */
  readonly direct?: true;
}

export class PendingRequests {
  #requests: (PendingRequest | undefined)[] = [];
  #free: number[] = [];

  get size(): number {
    return this.#requests.length - this.#free.length;
  }

  add(request: PendingRequest): number {
    const id = this.#free.pop() ?? this.#requests.length;
    this.#requests[id] = request;
    return id;
  }

  at(id: number): PendingRequest | undefined {
    return this.#requests[id];
  }

  /** Undefined: it has been answered. */
  take(id: number): PendingRequest | undefined {
    const request = this.#requests[id];
    if (request === undefined) return undefined;
    this.#requests[id] = undefined;
    this.#free.push(id);
    return request;
  }

  takeAll(): readonly PendingRequest[] {
    const all = this.#requests.filter((request) => request !== undefined);
    this.#requests = [];
    this.#free = [];
    return all;
  }
}

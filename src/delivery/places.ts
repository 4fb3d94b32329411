/** Places for what runs at once, shared by namespaces: however much one runs, another finds one. */

export class Places {
  readonly #most: number;
  /** By namespace. Kept at 0 too: a map whose entries come and go is made anew all the time. */
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(most: number) {
    this.#most = most;
  }

  take(namespaceUid: string, count = 1): void {
    if (this.#taken.size >= mostRemembered) this.#forget();
    this.#taken.set(namespaceUid, (this.#taken.get(namespaceUid) ?? 0) + count);
    this.#total += count;
  }

  leave(namespaceUid: string, count = 1): void {
    this.take(namespaceUid, -count);
  }

  /**
   * Places that a namespace may take now: it may have four times as many as are left, so that alone it gets four fifths of
   * all, of two each four ninths; the first one only needs to be free. The rule by which ports share the memory of a switch
   * (Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet Switches, 1998).
   */
  free(namespaceUid: string): number {
    const left = this.#most - this.#total;
    if (left <= 0) return 0;
    const own = this.#taken.get(namespaceUid) ?? 0;
    return Math.max(own === 0 ? 1 : 0, Math.floor((share * left - own) / (share + 1)));
  }

  #forget(): void {
    for (const [namespaceUid, taken] of this.#taken) if (taken === 0) this.#taken.delete(namespaceUid);
  }
}

const share = 4;
const mostRemembered = 10_000;

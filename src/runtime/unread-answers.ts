/**
 * Answers that were written and not taken off our hands yet: their bytes are counted per client address and in all, and
 * above a cap the largest of whoever holds most is given up.
 */

/** One answer on its way out. */
interface UnreadAnswer {
  readonly address: string;
  /** Bytes not taken yet. */
  left(): number;
  giveUp(): void;
}

interface Counted {
  readonly answer: UnreadAnswer;
  /** At the last look: never less than what is left, so that adding is cheap below the caps. */
  bytes: number;
}

interface Owner {
  readonly answers: Set<Counted>;
  bytes: number;
}

export class UnreadAnswers {
  readonly #perAddress: number;
  readonly #total: number;
  readonly #owners = new Map<string, Owner>();
  #bytes = 0;

  constructor(perAddress: number, total: number) {
    this.#perAddress = perAddress;
    this.#total = total;
  }

  /** Answers what ends the counting. */
  add(answer: UnreadAnswer): () => void {
    const counted = { answer, bytes: answer.left() };
    let owner = this.#owners.get(answer.address);
    if (owner === undefined) {
      owner = { answers: new Set(), bytes: 0 };
      this.#owners.set(answer.address, owner);
    }
    owner.answers.add(counted);
    this.#change(owner, counted.bytes);
    if (owner.bytes > this.#perAddress) this.#shrink(owner, this.#perAddress);
    if (this.#bytes > this.#total) this.#shrinkAll();
    return () => this.#drop(answer.address, owner, counted);
  }

  #change(owner: Owner, bytes: number): void {
    owner.bytes += bytes;
    this.#bytes += bytes;
  }

  #drop(address: string, owner: Owner, counted: Counted): void {
    if (!owner.answers.delete(counted)) return;
    this.#change(owner, -counted.bytes);
    if (owner.answers.size === 0 && this.#owners.get(address) === owner) this.#owners.delete(address);
  }

  /** What is really left. */
  #look(owner: Owner): void {
    for (const counted of owner.answers) {
      const left = Math.min(counted.bytes, counted.answer.left());
      this.#change(owner, left - counted.bytes);
      counted.bytes = left;
    }
  }

  #shrink(owner: Owner, most: number): void {
    this.#look(owner);
    while (owner.bytes > most) this.#giveUpLargest(owner);
  }

  #giveUpLargest(owner: Owner): void {
    let largest: Counted | undefined;
    for (const counted of owner.answers) if (counted.bytes > (largest?.bytes ?? -1)) largest = counted;
    if (largest === undefined) return;
    this.#drop(largest.answer.address, owner, largest);
    largest.answer.giveUp();
  }

  #shrinkAll(): void {
    for (const owner of this.#owners.values()) this.#look(owner);
    while (this.#bytes > this.#total) {
      let most: Owner | undefined;
      for (const owner of this.#owners.values()) if (owner.bytes > (most?.bytes ?? -1)) most = owner;
      if (most === undefined) return;
      this.#giveUpLargest(most);
    }
  }
}

/** Who runs in which turn of the event loop: one slice of a long call a turn, so that requests and quick calls go first. */
import type { Call } from './call.ts';
import type { MachineEnd } from './ends.ts';
import { FairQueue, type Owner } from './fair-queue.ts';
import { quantum, type Machine } from './machine.ts';
import type { NamespaceBooks } from './namespace-books.ts';

interface Entry {
  /** Undefined: it waits for its first slice, or to go on after a wait. */
  readonly machine: Machine | undefined;
  readonly run: () => void;
  readonly reject: (end: MachineEnd) => void;
}

const nothing = (): void => undefined;

/**
 * Endless calls share the turns evenly: by namespace, then by function, then by call. A namespace that has had its share
 * of the CPU time gets only turns in which nobody else wants any.
 */
export class SliceQueue {
  readonly #books: NamespaceBooks;
  readonly #queue = new FairQueue<Entry>();
  /** Somebody has had this turn. */
  #taken = false;

  constructor(books: NamespaceBooks) {
    this.#books = books;
  }

  /** A slice is over: resolves with fuel when its turn has come, rejects with the end of the call. */
  suspend(call: Call, machine: Machine): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#queue.push(call, { machine, run: () => resolve(quantum), reject });
      this.#schedule();
    });
  }

  /**
   * Lets a call begin or go on in a turn of its own: at once if nobody has had this turn (undefined), else later; then
   * the answer takes it out of the queue. `later`: not in this turn.
   */
  enter(call: Call, run: () => void, later = false): (() => void) | undefined {
    if (!this.#taken && !later && !this.#books.isOver(call.program.book)) {
      this.#schedule();
      run();
      return undefined;
    }
    const entry: Entry = { machine: undefined, run, reject: nothing };
    this.#queue.push(call, entry);
    this.#schedule();
    return () => void this.#queue.remove(call, (each) => each === entry);
  }

  /** Ends a suspended call: its promise is always settled, because an abandoned suspension is never collected. */
  end(call: Call, machine: Machine, end: MachineEnd): boolean {
    const entry = this.#queue.remove(call, (each) => each.machine === machine);
    entry?.reject(end);
    return entry !== undefined;
  }

  /** A call in one piece held the thread for a while: this turn is had. */
  take(): void {
    this.#schedule();
  }

  get isTaken(): boolean {
    return this.#taken;
  }

  /** Who is over its share stands behind those within theirs, and behind calls that need no turn. */
  #next(): Owner | undefined {
    const books = this.#books;
    return (
      this.#queue.next((owner) => !books.isOver(books.find(owner.namespaceUid))) ??
      (books.takeIdleTurn() ? this.#queue.next() : undefined)
    );
  }

  #schedule(): void {
    if (this.#taken) return;
    this.#taken = true;
    setImmediate(() => {
      this.#taken = false;
      if (this.#queue.length === 0) return;
      // Whoever comes within this turn waits for the next one.
      this.#schedule();
      const owner = this.#next();
      if (owner !== undefined) this.#queue.take(owner)?.run();
    });
  }
}

/** What each namespace takes of a thread, against what its installation allows it. */

import { MachineEnd } from './ends.ts';
import { formatBytes } from './format-bytes.ts';

/** What one namespace may take of one engine; what is absent is not limited. */
export interface NamespaceAllowance {
  /** Memory of its calls that wait; at most the engine's own cap for a namespace. */
  readonly parkedBytes?: number;
  /** Bytes that host functions hold for its calls outside Lua; at most, and where absent, `mostHeldBytes`. */
  readonly hostBytes?: number;
  /** Of the CPU time that Lua takes while others want some, above 0 to 1. */
  readonly cpuShare?: number;
}

/** One namespace, while programs of it are loaded. */
export interface NamespaceBook {
  readonly namespace: string;
  readonly namespaceUid: string;
  allowance: NamespaceAllowance;
  programs: number;
  heldBytes: number;
  readonly cpu: RecentSum;
}

const nothing: NamespaceAllowance = {};
/** Of one namespace in one thread. Each call alone stays below its memory, but a function may have a thousand at once. */
export const mostHeldBytes = 256 * 1024 * 1024;
/** What was used so long ago counts half. */
const halfLifeMs = 1000;
/** So little CPU time is none. */
const nothingMs = 1;

/** A sum in which what is older counts less. */
class RecentSum {
  #sum = 0;
  #at = 0;

  add(value: number, now: number): void {
    this.#sum = this.read(now) + value;
  }

  read(now: number): number {
    if (now > this.#at) {
      this.#sum *= 2 ** ((this.#at - now) / halfLifeMs);
      this.#at = now;
    }
    return this.#sum;
  }
}

/** Counts bytes held outside Lua; gives the end of a call that takes more than its namespace may. */
export function changeHeld(book: NamespaceBook, bytes: number): MachineEnd | undefined {
  book.heldBytes += bytes;
  const { hostBytes = mostHeldBytes } = book.allowance;
  const most = Math.min(hostBytes, mostHeldBytes);
  if (bytes <= 0 || book.heldBytes <= most) return undefined;
  return new MachineEnd(
    'memory',
    `calls of the namespace held more than ${formatBytes(most)} outside Lua (quota hostBytes)`,
  );
}

/** One per engine. CPU time is counted only while some namespace has a share of its own. */
export class NamespaceBooks {
  readonly #books = new Map<string, NamespaceBook>();
  /** No program of theirs is loaded any more. */
  readonly #idle = new Set<NamespaceBook>();
  readonly #allowance: (namespace: string) => NamespaceAllowance;
  readonly #clock: () => number;
  readonly #cpu = new RecentSum();
  #shared = false;
  /** A namespace within its share has run since the last look. */
  #othersRan = false;

  constructor(allowance: ((namespace: string) => NamespaceAllowance) | undefined, clock: () => number) {
    this.#allowance = allowance ?? (() => nothing);
    this.#clock = clock;
  }

  /** A program of the namespace is about to be loaded. */
  enter(namespace: string, namespaceUid: string): NamespaceBook {
    let book = this.#books.get(namespaceUid);
    if (book === undefined) {
      const allowance = this.#allowance(namespace);
      book = { namespace, namespaceUid, allowance, programs: 0, heldBytes: 0, cpu: new RecentSum() };
      this.#books.set(namespaceUid, book);
      this.#shared ||= allowance.cpuShare !== undefined;
    }
    book.programs += 1;
    this.#idle.delete(book);
    return book;
  }

  /** A program is gone, or was not loaded. */
  leave(book: NamespaceBook): void {
    book.programs -= 1;
    if (book.programs > 0) return;
    this.#idle.add(book);
    this.#forgetIdle();
  }

  /** Who deletes everything and loads it again has what it took before. */
  #forgetIdle(): void {
    const now = this.#clock();
    for (const book of this.#idle) {
      if (book.heldBytes > 0 || book.cpu.read(now) >= nothingMs) continue;
      this.#idle.delete(book);
      this.#books.delete(book.namespaceUid);
    }
  }

  /** Undefined: no program of it is loaded any more. */
  find(namespaceUid: string): NamespaceBook | undefined {
    return this.#books.get(namespaceUid);
  }

  /** What namespaces may take has changed. */
  renew(): void {
    for (const book of this.#books.values()) book.allowance = this.#allowance(book.namespace);
    this.#shared = [...this.#books.values()].some(({ allowance }) => allowance.cpuShare !== undefined);
  }

  /** Lua of the namespace has run so long. */
  spent(book: NamespaceBook, milliseconds: number): void {
    if (!this.#shared) return;
    const now = this.#clock();
    book.cpu.add(milliseconds, now);
    this.#cpu.add(milliseconds, now);
    this.#othersRan ||= !this.isOver(book);
  }

  /** It has had more than its share lately. */
  isOver(book: NamespaceBook | undefined): boolean {
    const share = book?.allowance.cpuShare;
    if (book === undefined || share === undefined) return false;
    const now = this.#clock();
    return book.cpu.read(now) > share * this.#cpu.read(now);
  }

  /** Whether nobody within its share has run since this was last asked: then one that is over may have the turn. */
  takeIdleTurn(): boolean {
    const idle = !this.#othersRan;
    this.#othersRan = false;
    return idle;
  }
}

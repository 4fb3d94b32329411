/**
 * Who waits in this thread for the limit of a key. A leased delivery that waits keeps a place of its namespace from others:
 * few may wait for one key, and not many in a namespace, so that whoever floods one key holds up neither those behind him in
 * the same trigger nor other functions. The others go back to the store.
 */
import type { LimitedKey } from './shared-keys.ts';

export interface KeyWaitLimits {
  readonly ofKey: number;
  readonly ofNamespace: number;
}

/** Of each thread, which runs 200 asynchronous calls at once. */
const usualLimits: KeyWaitLimits = { ofKey: 8, ofNamespace: 40 };

const heldMs = 1_000;
const mostBacklogs = 1_000;

export interface KeyWait {
  /** Called back once when a place of the key becomes free in this thread. */
  onFree(callback: () => void): void;
  leave(): void;
}

interface Waiting {
  free: (() => void) | undefined;
}

export class KeyWaits {
  readonly #limits: KeyWaitLimits;
  readonly #byKey = new Map<string, Set<Waiting>>();
  readonly #byNamespace = new Map<string, number>();
  readonly #backlogs = new Map<string, { readonly at: number; readonly count: Promise<number> }>();

  constructor(limits: KeyWaitLimits = usualLimits) {
    this.#limits = limits;
  }

  /** Undefined: too many wait already. */
  enter(key: LimitedKey): KeyWait | undefined {
    const { namespaceUid } = key;
    const name = nameOf(key);
    const own = this.#byKey.get(name) ?? new Set();
    const inNamespace = this.#byNamespace.get(namespaceUid) ?? 0;
    if (own.size >= this.#limits.ofKey || inNamespace >= this.#limits.ofNamespace) return undefined;
    const waiting: Waiting = { free: undefined };
    own.add(waiting);
    this.#byKey.set(name, own);
    this.#byNamespace.set(namespaceUid, inNamespace + 1);
    return {
      onFree: (callback) => (waiting.free = callback),
      leave: () => {
        if (!own.delete(waiting)) return;
        if (own.size === 0) this.#byKey.delete(name);
        const left = (this.#byNamespace.get(namespaceUid) ?? 0) - 1;
        if (left > 0) this.#byNamespace.set(namespaceUid, left);
        else this.#byNamespace.delete(namespaceUid);
      },
    };
  }

  /** How many wait in the store for a destination: counting goes through them, so it is asked once in a while. */
  backlog(destination: string, now: number, ask: () => Promise<number>): Promise<number> {
    const known = this.#backlogs.get(destination);
    if (known !== undefined && now - known.at < heldMs) return known.count;
    if (this.#backlogs.size >= mostBacklogs) this.#backlogs.clear();
    const count = ask();
    this.#backlogs.set(destination, { at: now, count });
    count.catch(() => this.#backlogs.delete(destination));
    return count;
  }

  /** The one that has waited longest looks first. */
  free(key: LimitedKey): void {
    for (const waiting of this.#byKey.get(nameOf(key)) ?? []) {
      const { free } = waiting;
      if (free === undefined) continue;
      waiting.free = undefined;
      return free();
    }
  }
}

const nameOf = ({ namespaceUid, scope, key = '' }: LimitedKey): string => JSON.stringify([namespaceUid, scope, key]);

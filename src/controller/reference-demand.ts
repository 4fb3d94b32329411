/** Which references are named by what was built or waits to be: counted, so that an edit costs its own references only. */
import type { BuildResult } from '../routing/build-route-table.ts';
import { differingKeys, LayeredMap } from '../routing/layered-map.ts';

interface Looker {
  readonly built: { readonly seen: ReadonlyMap<string, unknown> };
}

export class ReferenceDemand {
  #functions = LayeredMap.of<Looker>();
  #subscriptions: ReadonlyMap<string, Looker> = new Map();
  readonly #users = new Map<string, Set<string>>();
  /** Named by what waits, or has waited since the build before. */
  #waiting = new Set<string>();
  /** Keys that nobody who was built names any more. */
  readonly #left = new Set<string>();

  /** Keys that the build of a function or subscription looked up. */
  seenBy(uid: string): readonly string[] {
    const looker = this.#functions.get(uid) ?? this.#subscriptions.get(uid);
    return looker === undefined ? [] : [...looker.built.seen.keys()];
  }

  /** Uids of the functions and subscriptions whose build looked up a key. */
  usersOf(key: string): Iterable<string> {
    return this.#users.get(key) ?? [];
  }

  /** What waits to be built names these. */
  name(keys: Iterable<string>): void {
    for (const key of keys) this.#waiting.add(key);
  }

  /** Takes over what a build has looked up; answers the keys that no build had named before. */
  follow({ memory, subscriptions }: BuildResult): readonly string[] {
    const came: string[] = [];
    this.#take(this.#functions, memory.remembered, came);
    this.#take(this.#subscriptions, subscriptions.memory.remembered, came);
    this.#functions = memory.remembered;
    this.#subscriptions = subscriptions.memory.remembered;
    return came;
  }

  /** After a build: keys that nobody names any more, each told once. `waiting`: what waiting resources name now. */
  leave(waiting: Iterable<string>): readonly string[] {
    const left = new Set([...this.#left, ...this.#waiting]);
    this.#waiting = new Set(waiting);
    this.#left.clear();
    return [...left].filter((key) => !this.#waiting.has(key) && !this.#users.has(key));
  }

  #take(before: ReadonlyMap<string, Looker>, after: ReadonlyMap<string, Looker>, came: string[]): void {
    for (const uid of differingKeys(before, after)) {
      const [old, now] = [before.get(uid)?.built.seen, after.get(uid)?.built.seen];
      if (old === now) continue;
      for (const key of now?.keys() ?? []) {
        const users = this.#users.get(key);
        users?.add(uid);
        if (users !== undefined) continue;
        this.#users.set(key, new Set([uid]));
        came.push(key);
      }
      for (const key of old?.keys() ?? []) {
        if (now?.has(key) === true) continue;
        const users = this.#users.get(key);
        users?.delete(uid);
        if (users?.size !== 0) continue;
        this.#users.delete(key);
        this.#left.add(key);
      }
    }
  }
}

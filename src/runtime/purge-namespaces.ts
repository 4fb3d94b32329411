/**
 * What a vanished namespace has stored goes with it. A namespace is gone when a controller has said so of its UID again and
 * again for some time; a store none of whose namespaces is there belongs to another cluster, and nothing of it is touched.
 */

export interface NamespacePurgeOptions {
  /** UIDs of the namespaces that have stored something. */
  stored(): Promise<readonly string[]>;
  /** Which of them are gone; undefined: nobody can say now. */
  gone(uids: readonly string[]): Promise<readonly string[] | undefined>;
  /** Forgets everything of a namespace. */
  purge(uid: string): Promise<void>;
  /** Monotonic milliseconds. */
  now(): number;
  /** So long it must have been gone. */
  readonly restMs: number;
  onPurge(uid: string): void;
  /** None of so many is there. */
  onStrangeStore(count: number): void;
}

export interface NamespacePurge {
  look(): Promise<void>;
}

export function createNamespacePurge(options: NamespacePurgeOptions): NamespacePurge {
  const goneSince = new Map<string, number>();
  const purged = new Set<string>();
  return {
    async look() {
      const stored = (await options.stored()).filter((uid) => !purged.has(uid));
      const gone = stored.length === 0 ? [] : await options.gone(stored);
      if (gone === undefined) return;
      const asked = new Set(stored);
      const still = new Set(gone.filter((uid) => asked.has(uid)));
      for (const uid of goneSince.keys()) if (!still.has(uid)) goneSince.delete(uid);
      if (still.size > 0 && still.size === asked.size) {
        goneSince.clear();
        options.onStrangeStore(still.size);
        return;
      }
      const now = options.now();
      for (const uid of still) {
        const since = goneSince.get(uid);
        if (since === undefined) goneSince.set(uid, now);
        else if (now - since >= options.restMs) {
          await options.purge(uid);
          goneSince.delete(uid);
          purged.add(uid);
          options.onPurge(uid);
        }
      }
    },
  };
}

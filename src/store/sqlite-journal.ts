/** What memory must take back when the database rolls back: undo steps in order, so that both always say the same. */
export interface Journal {
  /** Notes how to take back a change of memory that was just made. */
  push(undo: () => void): void;
  mark(): number;
  /** Takes back everything since the mark, newest first. */
  rollback(mark: number): void;
  /** After a commit: nothing can be taken back any more. */
  clear(): void;
}

export function createJournal(): Journal {
  const steps: (() => void)[] = [];
  return {
    push: (undo) => void steps.push(undo),
    mark: () => steps.length,
    rollback(mark) {
      while (steps.length > mark) steps.pop()?.();
    },
    clear: () => void (steps.length = 0),
  };
}

/** Sets an entry of a map and notes what was there. */
export function putNoted<Key, Value>(journal: Journal, map: Map<Key, Value>, key: Key, value: Value): void {
  noteEntry(journal, map, key);
  map.set(key, value);
}

/** Deletes an entry of a map and notes what was there. */
export function dropNoted<Key, Value>(journal: Journal, map: Map<Key, Value>, key: Key): void {
  if (!map.has(key)) return;
  noteEntry(journal, map, key);
  map.delete(key);
}

function noteEntry<Key, Value>(journal: Journal, map: Map<Key, Value>, key: Key): void {
  const before = map.get(key);
  const present = before !== undefined || map.has(key);
  journal.push(() => {
    if (present) map.set(key, before as Value);
    else map.delete(key);
  });
}

/** A page of keys as an attempt sees them: committed ones, less those it has deleted, with those it has set. */

export interface OwnKeys {
  readonly set: readonly string[];
  readonly deleted: ReadonlySet<string>;
}

export interface KeyPage {
  readonly keys: string[];
  /** There may be more behind it. */
  readonly cursor?: string;
}

/** In the order of bytes, as the engines have it. `readPage` answers at most `limit` committed keys after one. */
export async function listWithOwn(
  readPage: (after: string | undefined) => Promise<readonly string[]>,
  own: OwnKeys,
  limit: number,
  cursor: string | undefined,
): Promise<KeyPage> {
  const found = new Set<string>();
  // What was deleted fills no page: whoever reads until there is no cursor must not end before the last key.
  for (let after = cursor; ;) {
    const page = await readPage(after);
    for (const key of page) if (!own.deleted.has(key)) found.add(key);
    if (page.length < limit || found.size >= limit) break;
    after = page.at(-1);
  }
  for (const key of own.set) if (cursor === undefined || inBytes(key, cursor) > 0) found.add(key);
  const keys = [...found].sort(inBytes).slice(0, limit);
  const last = keys.at(-1);
  return { keys, ...(keys.length === limit && last !== undefined ? { cursor: last } : {}) };
}

const inBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

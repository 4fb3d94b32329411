/** Whose delivery ids SQLite knows: an endpoint is a trigger of a namespace, with the number of its keys. */
import type { DatabaseSync } from 'node:sqlite';
import { hashEndpoint } from './duplicate-hash.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { DuplicateKey } from './store.ts';

export interface Endpoint {
  readonly id: number;
  readonly name: string;
  readonly scope: number;
  keys: number;
  /** Of the key that came last; 0: none came since the start. */
  windowMs: number;
}

export interface Endpoints {
  /** That of a key; a new one gets its row. */
  of(namespaceUid: string, duplicate: DuplicateKey): Endpoint;
  all(): readonly Endpoint[];
  /** Keys of all. */
  total(): number;
  /** One more key. */
  count(endpoint: Endpoint): void;
  /** So many keys went; one without keys goes with them. */
  lose(id: number, keys: number): void;
  /** Inside the transaction, before its commit. */
  write(): void;
}

/** Names of endpoints remembered at a time. */
const mostNames = 4096;

export function createEndpoints(database: DatabaseSync, usage: UsageBook, journal: Journal): Endpoints {
  const insert = database.prepare('INSERT INTO endpoints (name, scope, keys) VALUES (?, ?, 0) RETURNING id');
  const update = database.prepare('UPDATE endpoints SET keys = ? WHERE id = ?');
  const remove = database.prepare('DELETE FROM endpoints WHERE id = ?');
  const byName = new Map<string, Endpoint>();
  const byId = new Map<number, Endpoint>();
  /** Namespace and endpoint → name, which takes a hash. */
  const names = new Map<string, string>();
  const dirty = new Set<Endpoint>();
  let total = 0;

  const rows = database.prepare('SELECT id, hex(name) AS name, scope, keys FROM endpoints').all();
  for (const row of rows as unknown as Omit<Endpoint, 'windowMs'>[]) {
    const endpoint = { ...row, windowMs: 0 };
    byName.set(row.name, endpoint);
    byId.set(row.id, endpoint);
    total += row.keys;
  }

  function nameOf(namespaceUid: string, duplicate: DuplicateKey): string {
    const words = `${namespaceUid}\n${duplicate.endpoint}`;
    let name = names.get(words);
    if (name === undefined) {
      if (names.size >= mostNames) names.clear();
      names.set(words, (name = hashEndpoint(namespaceUid, duplicate).toString('hex').toUpperCase()));
    }
    return name;
  }

  function change(endpoint: Endpoint, keys: number): void {
    endpoint.keys += keys;
    total += keys;
    dirty.add(endpoint);
    journal.push(() => {
      endpoint.keys -= keys;
      total -= keys;
    });
  }

  return {
    of(namespaceUid, duplicate) {
      const name = nameOf(namespaceUid, duplicate);
      const known = byName.get(name);
      if (known !== undefined) return known;
      const scope = usage.idOf(namespaceUid);
      const { id } = insert.get(Buffer.from(name, 'hex'), scope) as { id: number };
      const endpoint = { id, name, scope, keys: 0, windowMs: duplicate.windowMs };
      putNoted(journal, byName, name, endpoint);
      putNoted(journal, byId, id, endpoint);
      return endpoint;
    },
    all: () => [...byName.values()],
    total: () => total,
    count: (endpoint) => change(endpoint, 1),
    lose(id, keys) {
      const endpoint = byId.get(id);
      if (endpoint === undefined || keys === 0) return;
      change(endpoint, -keys);
      if (endpoint.keys > 0) return;
      remove.run(id);
      dropNoted(journal, byName, endpoint.name);
      dropNoted(journal, byId, id);
    },
    write() {
      for (const { id, keys } of dirty) update.run(keys, id);
      dirty.clear();
    },
  };
}

/** Known delivery ids in SQLite: who has been here within the window, bounded in number with a share for each namespace. */
import type { DatabaseSync } from 'node:sqlite';
import { hashKey } from './duplicate-hash.ts';
import { createEndpoints } from './sqlite-endpoints.ts';
import { createFormerKeys } from './sqlite-former-keys.ts';
import type { Journal } from './sqlite-journal.ts';
import { createKeyLog, logKeys } from './sqlite-key-log.ts';
import { createKeyRuns, type KnownKey } from './sqlite-key-runs.ts';
import type { StoreClock } from './store-clock.ts';
import type { DuplicateKey } from './store.ts';
import type { UsageBook } from './sqlite-usage.ts';
import { createKeySweeper } from './sweep-key-runs.ts';
import { createDuplicateTrimmer, type DuplicateTrimmer } from './trim-duplicates.ts';

export interface DuplicateKeys extends DuplicateTrimmer {
  /** The id of the event that has the key; undefined: the caller's has it from now on. */
  claim(namespaceUid: string, duplicate: DuplicateKey, eventId: string): string | undefined;
  isKnown(namespaceUid: string, duplicate: DuplicateKey): boolean;
  count(): number;
  /** Inside the transaction, before its commit. */
  write(): void;
}

export function createDuplicateKeys(
  database: DatabaseSync,
  clock: StoreClock,
  usage: UsageBook,
  journal: Journal,
  firstBound: number,
  enoughToMove = logKeys,
): DuplicateKeys {
  const runs = createKeyRuns(database, journal);
  const log = createKeyLog(database, journal, runs, enoughToMove);
  const former = createFormerKeys(database, journal);
  const endpoints = createEndpoints(database, usage, journal);
  const sweeper = createKeySweeper(database, runs);
  const trimmer = createDuplicateTrimmer({ log, sweeper, former }, endpoints, clock, firstBound);

  const find = (key: Uint8Array): KnownKey | undefined => log.find(key) ?? runs.find(key) ?? former.find(key);

  return {
    ...trimmer,
    isKnown(namespaceUid, duplicate) {
      const known = find(hashKey(namespaceUid, duplicate));
      return known !== undefined && known.expires > clock.now();
    },
    claim(namespaceUid, duplicate, eventId) {
      const key = hashKey(namespaceUid, duplicate);
      const now = clock.now();
      const known = find(key);
      if (known !== undefined) {
        if (known.expires > now) return known.event;
        known.remove();
        endpoints.lose(known.endpoint, 1);
      }
      const { windowMs } = duplicate;
      const endpoint = endpoints.of(namespaceUid, duplicate);
      endpoint.windowMs = windowMs;
      log.add({ key, event: eventId, endpoint: endpoint.id, expires: now + windowMs, windowMs });
      endpoints.count(endpoint);
      return undefined;
    },
    count: () => endpoints.total(),
    write() {
      log.write(clock.now());
      endpoints.write();
    },
  };
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppendItem } from '../store/store.ts';
import { PendingAppends, StoreBehind } from './pending-appends.ts';

/** Counts as 512 bytes more. */
const item = (bytes: number): AppendItem => ({
  event: { id: 'e', namespaceUid: 'n', type: 't', source: 's', attributes: '', body: new Uint8Array(bytes) },
  deliveries: [],
});

function pendingAppends() {
  const clock = { now: 0 };
  const pending = new PendingAppends({ unansweredBytes: 10_000, unansweredMs: 2000 }, () => clock.now);
  return { clock, pending };
}

describe('what waits for the store', () => {
  test('is bounded in bytes, but one that waits for nothing is always taken', () => {
    const { pending } = pendingAppends();
    const first = pending.begin([item(20_000)]);
    assert.throws(() => pending.begin([item(0)]), StoreBehind);
    pending.end(first);
    pending.end(pending.begin([item(20_000)]));
  });

  test('is counted once, also when it is ended twice', () => {
    const { pending } = pendingAppends();
    const held = pending.begin([item(4000)]);
    const other = pending.begin([item(4000)]);
    pending.end(other);
    pending.end(other);
    assert.throws(() => pending.begin([item(5000)]), /4512 bytes of events wait/);
    pending.end(held);
  });

  test('is refused while the oldest has waited for too long, whatever was answered after it', () => {
    const { clock, pending } = pendingAppends();
    const oldest = pending.begin([item(1)]);
    for (let each = 0; each < 1000; each += 1) pending.end(pending.begin([item(1)]));
    clock.now = 2001;
    assert.throws(() => pending.begin([item(1)]), /has waited 2001 ms/);
    pending.end(oldest);
    const next = pending.begin([item(1)]);
    clock.now = 4002;
    assert.throws(() => pending.begin([item(1)]), /has waited 2001 ms/);
    pending.end(next);
    pending.end(pending.begin([item(1)]));
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProgramImage } from '../lua/engine-contract.ts';
import type { Acknowledgement } from '../routing/types.ts';
import { spreadChanges, type AppliesChanges } from './spread-changes.ts';
import type { WorkerChange } from './worker-messages.ts';
import { WorkerGone } from './worker-thread.ts';

/** A far end that answers what it was told: which changes, whose images, and when the table was whole. */
class FarEnd implements AppliesChanges {
  readonly name: string;
  readonly lives: number;
  readonly seen: { readonly uids: readonly string[]; readonly images: readonly string[]; readonly version?: number }[] =
    [];

  constructor(name: string, lives = Infinity) {
    this.name = name;
    this.lives = lives;
  }

  async apply(
    changes: readonly WorkerChange[],
    images: readonly ProgramImage[],
    version: number | undefined,
  ): Promise<readonly Acknowledgement[]> {
    if (this.seen.length >= this.lives) throw new WorkerGone('ended');
    const uids = changes.map((change) => (change.op === 'delete' ? change.uid : '?'));
    this.seen.push({
      uids: uids.includes('?') ? [`${changes.length}`] : uids,
      images: images.slice(0, 1).map(({ revision }) => revision),
      ...(version === undefined ? {} : { version }),
    });
    return [{ uid: this.name, revision: `${this.seen.length}`, accepted: true, servingRevision: '' }];
  }

  async images(uids: readonly string[]): Promise<readonly ProgramImage[]> {
    if (this.seen.length > this.lives) throw new WorkerGone('ended');
    return uids.map((uid) => ({ baseDigest: '', revision: `${uid} by ${this.name}`, parts: undefined }));
  }
}

function sets(count: number): WorkerChange[] {
  return Array.from({ length: count }, (_, index) => ({
    op: 'set' as const,
    entry: { uid: `f${index}` } as (WorkerChange & { op: 'set' })['entry'],
    places: { index, callRow: 0, triggerRows: {} },
  }));
}

describe('changes for several threads', () => {
  test('are compiled by the first and loaded from its images by the others, piece by piece', async () => {
    const [first, second] = [new FarEnd('first'), new FarEnd('second')];
    const answers = await spreadChanges([first, second], sets(300), 7);
    assert.deepEqual(first.seen, [
      { uids: ['256'], images: [] },
      { uids: ['44'], images: [], version: 7 },
    ]);
    assert.deepEqual(second.seen, [
      { uids: ['256'], images: ['f0 by first'] },
      { uids: ['44'], images: ['f256 by first'], version: 7 },
    ]);
    assert.deepEqual(
      answers.map((each) => each.map(({ uid, revision }) => `${uid} ${revision}`)),
      [
        ['first 1', 'first 2'],
        ['second 1', 'second 2'],
      ],
    );
  });

  test('reach the others although the first ends meanwhile, and it has no say', async () => {
    const [first, second] = [new FarEnd('first', 0), new FarEnd('second')];
    const answers = await spreadChanges([first, second], sets(2), 1);
    assert.deepEqual(
      answers.map((each) => each.map(({ uid }) => uid)),
      [['second']],
    );
    assert.equal(second.seen.length, 1);
  });

  test('are loaded by a new thread from the images of one that serves them, which is told nothing', async () => {
    const [source, late] = [new FarEnd('source'), new FarEnd('late')];
    await spreadChanges([late], sets(1), 3, source);
    assert.deepEqual(late.seen, [{ uids: ['1'], images: ['f0 by source'], version: 3 }]);
    assert.deepEqual(source.seen, []);
  });

  test('an empty change still tells the version', async () => {
    const only = new FarEnd('only');
    await spreadChanges([only], [], 9);
    assert.deepEqual(only.seen, [{ uids: [], images: [], version: 9 }]);
  });

  test('a failure that is not an end of the thread is passed on', async () => {
    const broken: AppliesChanges = {
      apply: () => Promise.reject(new Error('a defect')),
      images: () => Promise.resolve([]),
    };
    await assert.rejects(spreadChanges([new FarEnd('first'), broken], sets(1), 1), /a defect/);
  });
});

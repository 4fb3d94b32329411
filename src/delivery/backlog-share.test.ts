import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BacklogShare } from './backlog-share.ts';

const worked = 1;
const shareOf = (share: BacklogShare): number => worked / (worked + share.rest(worked));

test('a backlog gets half of the thread in the end where nobody is held up', () => {
  const share = new BacklogShare();
  for (let pause = 0; pause < 10_000; pause += 1) share.rested(0.9);
  assert.equal(share.share, 0.5);
  assert.equal(share.rest(8), 8);
});

test('where pauses end late it gets less at once, and a tenth at least', () => {
  const share = new BacklogShare();
  const before = shareOf(share);
  share.rested(10);
  assert.ok(shareOf(share) < before * 0.7, `${shareOf(share)} after ${before}`);
  for (let pause = 0; pause < 100; pause += 1) share.rested(10);
  assert.equal(share.share, 0.1);
  assert.equal(share.rest(1), 9);
});

test('one pause in a hundred that ends late holds the share where it is', () => {
  const share = new BacklogShare();
  for (let pause = 0; pause < 100_000; pause += 1) share.rested(pause % 100 === 0 ? 5 : 0.5);
  assert.ok(share.share > 0.1 && share.share < 0.25, `${share.share}`);
});

test('a pause is a millisecond at least, and no longer than 50 ms however long one piece of work was', () => {
  const share = new BacklogShare();
  assert.equal(share.rest(0), 1);
  assert.equal(share.rest(10_000), 50);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyDead, whyNotReady } from './judge-health.ts';
import type { ControllerStats } from './controller-stats.ts';

const watch = { resource: 'webhookfunctions', synced: true, silentMs: 1_000, failing: false, restarts: {}, drift: 0 };
const stats: ControllerStats = {
  ready: true,
  functions: 1,
  subscriptions: 0,
  waiting: 0,
  linkedRuntimes: new Map(),
  references: 0,
  referenceLagMs: 30_000,
  builds: 1,
  lastBuildMs: 1,
  watches: [watch],
  statusWrites: 0,
  statusFailures: 0,
  statusWaiting: 0,
  eventsDropped: 0,
  applyToProgrammed: { bounds: [], buckets: [0], sum: 0 },
};
const silent = { ...watch, silentMs: 3_600_000 };

test('a watch that is silent though nothing fails is dead', () => {
  assert.equal(whyDead(stats), undefined);
  assert.equal(whyDead({ ...stats, watches: [watch, silent] }), 'the watch of webhookfunctions is dead');
});

test('an API server that is away is no reason to restart', () => {
  assert.equal(whyDead({ ...stats, watches: [{ ...silent, failing: true }] }), undefined);
  assert.equal(whyDead({ ...stats, watches: [{ ...watch, silentMs: undefined }] }), undefined);
});

test('what is missing before it is ready is named', () => {
  assert.equal(whyNotReady(stats), undefined);
  const unlisted = { ...stats, ready: false, watches: [{ ...watch, synced: false }] };
  assert.equal(whyNotReady(unlisted), 'not listed yet: webhookfunctions');
  assert.match(whyNotReady({ ...stats, ready: false, waiting: 3 }) ?? '', /^3 resources wait/);
});

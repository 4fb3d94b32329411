import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CallRecord } from './call-record.ts';
import { formatDuration, tellStories, tellStory } from './tell-story.ts';

const record: CallRecord = {
  callId: 'c1-1',
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  kind: 'http',
  namespace: 'team-a',
  functionName: 'deploy',
  functionUid: 'u',
  revision: 'r1',
  trigger: 'push',
  handler: 'push',
  outcome: 'error',
  status: 500,
  code: 'FunctionError',
  durationMs: 12.5,
  cpuMs: 0.42,
  memoryPeakBytes: 1024 * 1024,
  receiver: 'github',
  request: {
    method: 'POST',
    target: '/team-a/deploy',
    host: 'hooks.example',
    ip: '203.0.113.9',
    route: '/team-a/deploy',
    bodyBytes: 120,
  },
  steps: [{ step: 'signature', ok: true, detail: 'the second secret fits' }],
  eventName: 'push',
  eventId: 'e1',
  deliveryId: 'gh-7',
  hostCalls: [{ name: 'http.post', startMs: 1, durationMs: 1500, ok: false, summary: 'POST https://api.example 503' }],
  log: [{ level: 'warn', at: 2, message: 'slow', fields: new Map([['ms', 1500]]) }],
  error: { message: 'deploy:3: no answer', file: 'deploy', line: 3 },
};

suite('tellStory', () => {
  test('tells a call from its arrival to its end', () => {
    assert.deepEqual(tellStory(record), [
      '2026-01-02T03:04:05.006Z call c1-1 · team-a/deploy trigger push · error',
      '  POST /team-a/deploy (host hooks.example) from 203.0.113.9, body 120 bytes',
      '  route /team-a/deploy, receiver github',
      '  ok   signature: the second secret fits',
      '  event push, id e1, delivery gh-7',
      '  ran handler push of revision r1: 13 ms, 0.42 ms CPU, 1.00 MiB at most',
      '  +1.00 ms http.post POST https://api.example 503: failed after 1.50 s',
      '  +2.00 ms log warn: slow ms=1500',
      '  error: deploy:3: no answer',
      '  ended error (FunctionError), answered 500',
    ]);
  });

  test('a request that met no route has a short story', () => {
    assert.deepEqual(
      tellStory({
        callId: 'c2',
        time: 0,
        kind: 'http',
        outcome: 'unmatched',
        durationMs: 1,
        status: 404,
        code: 'RouteNotFound',
      }),
      ['1970-01-01T00:00:00.000Z call c2 · no function · unmatched', '  ended unmatched (RouteNotFound), answered 404'],
    );
  });

  test('attempts of one event follow the request that brought it', () => {
    const attempt = (time: number, number: number): CallRecord => ({
      ...record,
      callId: `c1-${number}`,
      time,
      kind: 'event',
      attempt: number,
      nextAttempt: time + 5000,
    });
    const lines = tellStories([attempt(2000, 2), attempt(1000, 1)]);
    assert.ok(
      lines.findIndex((line) => line.includes('attempt 1')) < lines.findIndex((line) => line.includes('attempt 2')),
    );
    assert.ok(lines.includes('  next attempt at 1970-01-01T00:00:06.000Z'));
  });

  test('memory is shown in the unit that says something', () => {
    const shown = (memoryPeakBytes: number): string =>
      tellStory({ ...record, memoryPeakBytes }).find((line) => line.startsWith('  ran')) ?? '';
    assert.match(shown(0), /CPU, the heap did not grow$/);
    assert.match(shown(66_640), /CPU, 66 KiB at most$/);
  });

  test('durations are short', () => {
    assert.deepEqual([0.1234, 9.999, 12.34, 1500].map(formatDuration), ['0.12 ms', '10.00 ms', '12 ms', '1.50 s']);
  });
});

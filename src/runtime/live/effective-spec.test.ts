/** What is in force, in the words of the YAML. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveFunction, effectiveSubscription } from './effective-spec.ts';

const limits = {
  timeoutMs: 10_000,
  cpuMs: 1000,
  memoryBytes: 16_777_216,
  concurrency: 100,
  requestBodyBytes: 1_048_576,
  responseBodyBytes: 4_194_304,
  logBytes: 65_536,
  logLines: 100,
  hostCalls: 100,
  parallelHostCalls: 16,
};

test('limits, waits and rates have the names and units of the spec', () => {
  const effective = effectiveFunction({
    suspended: false,
    limits,
    env: { A: '***' },
    egress: {},
    retryScheduleMs: [5000, 60_000],
    triggers: [
      {
        name: 'push',
        kind: 'http',
        handlers: ['push', 'default'],
        limits: { ...limits, timeoutMs: 2500 },
        retryScheduleMs: [5000, 60_000],
        routes: [{ path: '/team-a/push', methods: [] }],
        publicUrl: 'http://x',
        receiver: { name: 'github', fields: {}, events: ['push'], secrets: ['***'] },
        mode: 'async',
        publish: false,
        ackAfterMs: 2500,
        rate: { requests: 5, perMs: 60_000 },
        dedup: { windowMs: 3_600_000 },
        cors: { origins: ['*'], maxAgeSeconds: 60 },
      },
      { name: 'nightly', kind: 'schedule', handlers: ['nightly'], limits, retryScheduleMs: [1000], cron: '0 3 * * *' },
    ],
  });
  const words = {
    timeout: '10s',
    cpuTime: '1s',
    memory: '16Mi',
    concurrency: 100,
    requestBody: '1Mi',
    responseBody: '4Mi',
    log: '64Ki',
    hostCalls: 100,
  };
  assert.deepEqual(effective, {
    suspend: false,
    limits: words,
    env: { A: '***' },
    egress: {},
    retry: { schedule: ['5s', '1m'] },
    triggers: [
      {
        name: 'push',
        limits: { ...words, timeout: '2500ms' },
        http: {
          routes: [{ path: '/team-a/push' }],
          mode: 'async',
          publish: false,
          ackAfter: '2500ms',
          rate: { requests: 5, per: '1m' },
          dedup: { window: '1h' },
          cors: { origins: ['*'], maxAge: '1m' },
          receiver: { github: { secretRefs: ['***'], events: ['push'] } },
        },
      },
      { name: 'nightly', retry: { schedule: ['1s'] }, schedule: { cron: '0 3 * * *' } },
    ],
  });
});

test('a subscription has the names of its spec', () => {
  const effective = effectiveSubscription({
    suspended: true,
    url: '***',
    events: ['a.*'],
    format: 'standardWebhooks',
    headers: {},
    retryScheduleMs: [5000],
    timeoutMs: 15_000,
    concurrency: 10,
  });
  assert.deepEqual(effective, {
    suspend: true,
    url: '***',
    events: ['a.*'],
    format: 'standardWebhooks',
    headers: {},
    retry: { schedule: ['5s'] },
    timeout: '15s',
    concurrency: 10,
  });
  assert.ok(!('url' in effectiveSubscription({ url: '', events: ['a.*'] })), 'what does not resolve has none');
});

/** Call records: found by any id a person has, following what comes in, bounded, and never across a namespace. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import { tellStories } from '../../src/runtime/tell-story.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

suite('call records', () => {
  let served: ServedFunctions;
  before(async () => {
    const hook = {
      code: 'return function(event) if event.data and event.data.fail then error("broken") end log.info("hello", { n = 1 }) end',
      triggers: [
        { name: 'now', http: { path: 'now', receiver: { open: {} } } },
        { name: 'job', retry: { schedule: ['5ms'] }, http: { path: 'job', mode: 'async', receiver: { open: {} } } },
      ],
    } as const;
    served = await serveFunctions({
      settings: { workers: 2 },
      functions: [
        { name: 'hook', namespace: 'team-a', ...hook },
        { name: 'hook', namespace: 'team-b', ...hook },
        {
          name: 'silent',
          namespace: 'team-a',
          code: 'return function() end',
          triggers: [{ name: 'web', http: { path: 'silent', receiver: { open: {} } } }],
        },
      ],
    });
  });
  after(() => served.close());
  const post = (path: string, data: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${served.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: JSON.stringify(data),
    });

  test('an event id finds the request and every attempt, and they tell one story', async () => {
    const response = await post('team-a/job', { fail: true });
    const id = response.headers.get('x-call-id') ?? '';
    await served.record({ id }, ({ outcome }) => outcome === 'dead');
    const records = await served.runtime.records.query({ id });
    assert.deepEqual(
      records.map(({ outcome }) => outcome),
      ['dead', 'error', 'accepted'],
    );
    const story = tellStories(records).join('\n');
    assert.match(story, /accepted[\s\S]*attempt 1[\s\S]*next attempt at[\s\S]*attempt 2[\s\S]*ended dead/);
  });

  test('the caller’s own id and trace are kept as labels, never as ids', async () => {
    const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const response = await post('team-a/now', {}, { 'x-call-id': 'mine', traceparent: trace });
    const id = response.headers.get('x-call-id') ?? '';
    assert.notEqual(id, 'mine');
    const record = await served.record({ id });
    assert.equal(record.correlation, 'mine');
    assert.equal(record.traceparent, trace);
    assert.deepEqual(await served.runtime.records.query({ id: 'mine' }), []);
  });

  test('a follower sees every call as it ends, quiet ones too, of its namespace only', async () => {
    const seen: CallRecord[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = served.runtime.records.follow({ namespace: 'team-a', functionName: 'silent' }, (record) => {
      seen.push(record);
      if (seen.length === 20) resolve();
    });
    await Promise.all(
      Array.from({ length: 20 }, () => Promise.all([fetch(`${served.url}/team-a/silent`), post('team-b/now', {})])),
    );
    await promise;
    stop();
    assert.ok(seen.every(({ namespace, functionName }) => namespace === 'team-a' && functionName === 'silent'));
    assert.equal(new Set(seen.map(({ callId }) => callId)).size, 20);
  });

  test('of quiet calls the newest hundred of a function are kept, over all workers', async () => {
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(
        Array.from({ length: 20 }, () => fetch(`${served.url}/team-a/silent`, { headers: { connection: 'close' } })),
      );
    }
    const records = await served.runtime.records.query({ namespace: 'team-a', functionName: 'silent', limit: 1000 });
    assert.equal(records.length, 100);
    assert.ok(new Set(records.map(({ worker }) => worker)).size === 2, 'both workers are seen');
  });

  test('a query of one namespace never sees another', async () => {
    const response = await post('team-b/now', {});
    const id = response.headers.get('x-call-id') ?? '';
    assert.equal((await served.runtime.records.query({ id, namespace: 'team-b' })).length, 1);
    assert.equal((await served.runtime.records.query({ id, namespace: 'team-a' })).length, 0);
  });

  test('what functions log and why they fail is in the process log', async () => {
    await post('team-a/now', { fail: true });
    await served.record({ namespace: 'team-a', trigger: 'now' }, ({ outcome }) => outcome === 'error');
    const failure = served.log.find(({ msg }) => String(msg).includes('broken'));
    assert.equal(failure?.['function'], 'team-a/hook');
    assert.equal(failure?.['level'], 40);
    assert.ok(served.log.some(({ msg, fields }) => msg === 'hello' && (fields as { n: number }).n === 1));
  });
});

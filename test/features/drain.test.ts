/** Shutting down: not ready first, nothing new, what runs ends, connections close. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { suite, test } from 'node:test';
import { serveFunctions } from '../builders/serve-functions.ts';

const functions = [
  {
    name: 'slow',
    code: `return {
      web = function(event) log.info("began") sleep(tonumber(event.request.query.s)) return "done" end,
      job = function() log.info("began") sleep(3) log.info("ended") end,
    }`,
    triggers: [
      { name: 'web', http: { path: 'slow', receiver: { open: {} } } },
      { name: 'job', http: { path: 'job', mode: 'async', receiver: { open: {} } } },
    ],
  },
] as const;

/** Long: what ends by itself is not to be cut because the machine is busy. */
const drainGraceMs = 60_000;

suite('drain', () => {
  test('readiness fails, a running call is answered with `Connection: close`, idle connections end', async () => {
    const served = await serveFunctions({ functions, settings: { workers: 2, drainGraceMs } });
    const port = Number(new URL(served.url).port);
    const idle = connect(port, '127.0.0.1');
    await once(idle, 'connect');
    idle.write('GET /default/slow?s=0 HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(idle, 'data');
    const idleClosed = once(idle, 'close');
    const { inflight } = await started(served.url, served);
    const drained = served.runtime.drain();
    await idleClosed;
    assert.equal((await fetch(`${served.admin}/readyz`)).status, 503);
    const response = await inflight;
    assert.deepEqual([response.status, await response.text()], [200, 'done']);
    assert.equal(response.headers.get('connection'), 'close');
    await drained;
    await assert.rejects(fetch(`${served.url}/default/slow?s=0`));
    await assert.rejects(fetch(`${served.admin}/readyz`));
  });

  test('what does not end within the grace is cut', async () => {
    const served = await serveFunctions({ functions, settings: { drainGraceMs: 200 } });
    const { inflight } = await started(served.url, served, '5');
    await Promise.all([served.runtime.drain(), assert.rejects(inflight)]);
  });

  test('an asynchronous run ends before the process does', async () => {
    const served = await serveFunctions({ functions, settings: { drainGraceMs } });
    await fetch(`${served.url}/default/job`, { method: 'POST' });
    while ((await served.metric('function_inflight{namespace="default",function="slow"}')) === 0);
    const ended: string[] = [];
    served.runtime.records.follow({ trigger: 'job' }, ({ outcome }) => ended.push(outcome));
    await served.runtime.drain();
    assert.ok(ended.includes('ok'), ended.join(' '));
  });
});

/** A call that has begun. */
async function started(
  url: string,
  served: Awaited<ReturnType<typeof serveFunctions>>,
  seconds = '3',
): Promise<{ readonly inflight: Promise<Response> }> {
  const inflight = fetch(`${url}/default/slow?s=${seconds}`);
  inflight.catch(() => undefined);
  while ((await served.metric('function_inflight{namespace="default",function="slow"}')) === 0);
  return { inflight };
}

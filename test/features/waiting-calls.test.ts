/** A call that waits holds no thread: a thousand of them on one worker, and others stay quick. */
import assert from 'node:assert/strict';
import { request, Agent } from 'node:http';
import { test } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 2_000 });

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(`${response.statusCode ?? 0} ${body}`));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('a thousand sleeping calls on one worker, each with its own state, and quick calls beside them', async () => {
  const { ceilings } = localPolicy('http://127.0.0.1');
  const served = await serveFunctions({
    policy: { ceilings: { ...ceilings, limits: { ...ceilings.limits, concurrency: 2_000 } } },
    functions: [
      {
        name: 'sleeper',
        code: `return function(event)
          local mine = event.request.query.n
          local kept = { n = mine }
          sleep(8)
          return kept.n .. " " .. mine
        end`,
        // On a machine with other work all of them begin before the first one wakes.
        limits: { concurrency: 1_500, timeout: '60s' },
        triggers: [{ name: 'web', http: { path: 'sleep', receiver: { open: {} } } }],
      },
      {
        name: 'quick',
        code: 'return function() return "quick" end',
        triggers: [{ name: 'web', http: { path: 'quick', receiver: { open: {} } } }],
      },
    ],
  });
  try {
    const sleepers = Array.from({ length: 1_000 }, (_, n) => get(`${served.url}/default/sleep?n=${n}`));
    while ((await served.metric('function_inflight{namespace="default",function="sleeper"}')) < 1_000);
    const took: number[] = [];
    for (let index = 0; index < 50; index += 1) {
      const began = performance.now();
      assert.equal(await get(`${served.url}/default/quick`), '200 quick');
      took.push(performance.now() - began);
    }
    const median = took.sort((a, b) => a - b)[25] ?? 0;
    // Behind one call that holds its thread it would be eight seconds.
    assert.ok(median < 4_000, `a quick call took ${median.toFixed(1)} ms beside a thousand sleeping ones`);
    const answers = await Promise.all(sleepers);
    answers.forEach((answer, n) => assert.equal(answer, `200 ${n} ${n}`));
  } finally {
    agent.destroy();
    await served.close();
  }
});

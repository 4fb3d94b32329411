/** JSON of strangers is decoded before Lua: how long that holds the thread has a bound, and the function pays for it. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const MiB = 1024 * 1024;

suite('JSON bodies', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 1 },
      functions: [
        {
          name: 'deaf',
          code: 'return function() return "heard" end',
          limits: { requestBody: '4Mi' },
          triggers: [{ name: 'web', http: { path: 'deaf', receiver: { open: {} } } }],
        },
      ],
    });
  });
  after(() => served.close());

  const send = async (body: string): Promise<readonly [number, string]> => {
    const answer = await fetch(`${served.url}/default/deaf`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return [answer.status, await answer.text()];
  };
  const names = (count: number): string =>
    `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',')}}`;

  for (const [what, body, message] of [
    ['too many names', names(90_000), /more than 40000 names and values/],
    ['too many empty objects', `[${'{},'.repeat(300_000)}1]`, /more than 40000 names and values/],
    ['too many blanks', `${' '.repeat(3 * MiB)}1`, /more than 2097152 characters of JSON outside of strings/],
    ['too many digits', '1'.repeat(3 * MiB), /more than 2097152 characters of JSON outside of strings/],
  ] as const) {
    test(`with ${what} are refused in words, whether the function reads them or not`, async () => {
      const [status, text] = await send(body);
      assert.equal(status, 400);
      assert.match((JSON.parse(text) as { detail: string }).detail, message);
    });
  }

  test('control: large ones of ordinary shape are decoded and answered', async () => {
    assert.deepEqual(await send(`{"text":"${'x'.repeat(3 * MiB)}"}`), [200, 'heard']);
    assert.deepEqual(await send(names(19_000)), [200, 'heard']);
  });

  test('are paid for by the function that gets them', async () => {
    const seen = new Set((await served.runtime.records.query({ functionName: 'deaf' })).map(({ callId }) => callId));
    await send(names(19_000));
    const costly = await served.record({ functionName: 'deaf' }, (record) => !seen.has(record.callId));
    seen.add(costly.callId);
    await send('{"a":1}');
    const cheap = await served.record({ functionName: 'deaf' }, (record) => !seen.has(record.callId));
    assert.ok((costly.cpuMs ?? 0) >= 1, `${costly.cpuMs} ms for 19,000 names`);
    assert.ok((cheap.cpuMs ?? 0) < (costly.cpuMs ?? 0), 'control: a small body costs less');
  });
});

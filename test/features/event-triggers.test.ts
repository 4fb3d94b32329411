/** What event triggers may say about bursts, repetitions and limits; and what a synchronous trigger that publishes puts on the bus. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };

suite('event triggers', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 2 },
      functions: [
        {
          name: 'bus',
          code: `return { call = function(event) for _, e in ipairs(event.data) do assert(events.publish(e.type, e.data)) end end }`,
        },
        {
          name: 'listener',
          code: `
            local function say(event) log.info(event.trigger .. " " .. tostring(event.data.n)) end
            return {
              quiet = say,
              once = function(event) say(event) if event.data.fail then error(fail "no use") end end,
              wrong = say,
              serial = function(event) sleep(0.03) say(event) end,
            }`,
          retry: { schedule: [] },
          triggers: [
            {
              name: 'quiet',
              event: { type: 'com.quiet', debounce: { key: 'event.data.user', wait: '1500ms', maxWait: '30s' } },
            },
            { name: 'once', event: { type: 'com.once', dedup: { key: 'event.data.id', window: '1h' } } },
            {
              name: 'wrong',
              event: { type: 'com.wrong', debounce: { key: 'event.data.missing.deep', wait: '10ms' } },
            },
            { name: 'serial', event: { type: 'com.serial', concurrency: { limit: 1 } } },
          ],
        },
        {
          name: 'shouter',
          code: 'return { web = function() end, heard = function(event) log.info("heard") end }',
          triggers: [
            {
              name: 'web',
              http: { path: 'shout', receiver: open, publish: true, rate: { requests: 1, per: '1h' } },
            },
            { name: 'heard', event: { type: '*', source: '/default/shouter/web' } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const publish = async (...events: readonly { type: string; data: object }[]): Promise<void> => {
    const response = await served.call('/function/default/bus', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    assert.equal(response.status, 204);
  };
  const ended = (trigger: string, count: number, outcomes?: readonly ('ok' | 'duplicate' | 'dead')[]) => {
    const filter = { trigger, ...(outcomes === undefined ? {} : { outcomes }) };
    return eventually(`${count} calls of ${trigger}`, async () => {
      const records = await served.runtime.records.query(filter);
      return records.length >= count && records;
    });
  };
  const said = (records: readonly { log?: readonly { message: string }[] }[]): readonly string[] =>
    records.flatMap(({ log }) => log?.map(({ message }) => message) ?? []).toSorted();

  test('`debounce`: of a burst only the newest event of each key runs, after quiet', async () => {
    await publish(
      ...[1, 2, 3].map((n) => ({ type: 'com.quiet', data: { user: 'a', n } })),
      { type: 'com.quiet', data: { user: 'b', n: 9 } },
      { type: 'com.quiet', data: { n: 7 } },
    );
    // Without a key (nil) an event is not held back.
    const records = await ended('quiet', 3, ['ok']);
    assert.deepEqual(said(records), ['quiet 3', 'quiet 7', 'quiet 9']);
    assert.equal(await served.metric('deliveries{state="superseded"}'), 2);
  });

  test('`dedup`: an event with the key of another does not run, unless that one died', async () => {
    await publish(
      { type: 'com.once', data: { id: 'x', n: 1 } },
      { type: 'com.once', data: { id: 'x', n: 2 } },
      { type: 'com.once', data: { id: 'y', n: 3 } },
    );
    const records = await ended('once', 3);
    const ran = said(records);
    assert.equal(ran.length, 2);
    assert.ok(ran.includes('once 3'));
    const duplicate = records.find(({ outcome }) => outcome === 'duplicate');
    const first = records.find(({ log }) => log !== undefined && log[0]?.message !== 'once 3');
    assert.equal(duplicate?.duplicateOf, first?.eventId);
    await publish({ type: 'com.once', data: { id: 'z', n: 4, fail: true } });
    await ended('once', 1, ['dead']);
    await publish({ type: 'com.once', data: { id: 'z', n: 5 } });
    assert.ok(said(await ended('once', 3, ['ok'])).includes('once 5'));
  });

  test('a key that cannot be told is an error of the trigger, never a drop', async () => {
    await publish({ type: 'com.wrong', data: { n: 1 } });
    const [dead] = await ended('wrong', 1, ['dead']);
    assert.match(dead?.detail ?? '', /^FilterError: /);
  });

  test('`concurrency` holds over all workers', async () => {
    await publish(...Array.from({ length: 6 }, (_, n) => ({ type: 'com.serial', data: { n } })));
    const records = (await ended('serial', 6, ['ok'])).toSorted((a, b) => a.time - b.time);
    for (const [index, record] of records.entries()) {
      const next = records[index + 1];
      // Wall clock in whole milliseconds against monotonic fractions.
      assert.ok(next === undefined || next.time >= record.time + record.durationMs - 2);
    }
  });

  test('a request over its rate is not on the bus either', async () => {
    const first = await fetch(`${served.url}/default/shout`, { method: 'POST' });
    assert.equal(first.status, 204);
    const refused = await fetch(`${served.url}/default/shout`, { method: 'POST' });
    assert.equal(refused.status, 429);
    await ended('heard', 1, ['ok']);
    await publish({ type: 'com.serial', data: { n: 'last' } });
    await ended('serial', 7, ['ok']);
    assert.equal((await served.runtime.records.query({ trigger: 'heard' })).length, 1);
  });
});

/** Bodies with several events: an asynchronous trigger gets one event for each, with a name, an id and a duplicate key of its own. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { receivers } from '../../src/receivers/catalogue.ts';
import { readSamples } from '../../src/receivers/read-samples.ts';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import { sampleFields } from '../builders/sample-receiver.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const secret = 'a secret that is long enough for all';
const code = `return function(event)
  local d = event.data
  log.info(event.name .. " " .. event.type .. " " .. tostring(type(d) == "table" and (d.eventId or d.event or d.name or d.field or d.id)) .. " " .. event.body:sub(1, 1))
end`;

async function start(
  context: TestContext,
  name: string,
  events?: readonly string[],
  mode: 'sync' | 'async' = 'async',
): Promise<ServedFunctions> {
  const definition = receivers.get(name) ?? assert.fail();
  const receiver = {
    [name]: {
      ...sampleFields(definition),
      secretRefs: [{ name: 's', key: 'k' }],
      ...(events === undefined ? {} : { events }),
    },
  };
  const served = await serveFunctions({
    secrets: { 's/k': secret },
    functions: [{ name: 'fn', code, triggers: [{ name: 'web', http: { path: 'web', mode, receiver } }] }],
  });
  context.after(() => served.close());
  return served;
}

async function send(served: ServedFunctions, name: string, body: Uint8Array): Promise<Response> {
  const definition = receivers.get(name) ?? assert.fail();
  const url = 'http://127.0.0.1:1/default/web';
  const tools = { now: () => Date.now(), newId: () => 'id-1' };
  const signed = definition.sign(
    'Account',
    body,
    url,
    sampleFields(definition),
    { secrets: [Buffer.from(secret)] },
    tools,
  );
  return fetch(`${served.url}${signed.target ?? '/default/web'}`, {
    method: signed.method,
    headers: signed.headers,
    body: Buffer.from(signed.body),
  });
}

/** What the events of one request logged, in order; resolves when all have run. */
async function logged(served: ServedFunctions, count: number): Promise<readonly string[]> {
  const seen: CallRecord[] = [];
  await served.record({}, (record) => {
    if (record.kind === 'event' && record.outcome === 'ok' && !seen.some(({ callId }) => callId === record.callId)) {
      seen.push(record);
    }
    return seen.length >= count;
  });
  return seen.flatMap(({ log = [] }) => log.map(({ message }) => message)).sort();
}

const item = (eventId: number, subscriptionType: string): Readonly<Record<string, unknown>> => ({
  eventId,
  subscriptionId: 7,
  subscriptionType,
});

test('each item of a HubSpot batch runs once, however the batches overlap', async (context) => {
  const served = await start(context, 'hubspot');
  const first = [item(1, 'contact.creation'), item(2, 'deal.creation')];
  const accepted = await send(served, 'hubspot', Buffer.from(JSON.stringify(first)));
  assert.equal(accepted.status, 200);
  assert.equal(accepted.headers.get('x-moonhook-duplicate-of'), null);
  assert.deepEqual(await logged(served, 2), [
    'contact.creation com.hubspot.contact.creation 1 {',
    'deal.creation com.hubspot.deal.creation 2 {',
  ]);
  const overlapping = [...first.toReversed(), item(3, 'deal.creation')];
  assert.equal(
    (await send(served, 'hubspot', Buffer.from(JSON.stringify(overlapping)))).headers.get('x-moonhook-duplicate-of'),
    null,
  );
  assert.deepEqual(
    (await logged(served, 3)).filter((line) => line.includes(' 3 ')),
    ['deal.creation com.hubspot.deal.creation 3 {'],
  );
  const repeated = await send(served, 'hubspot', Buffer.from(JSON.stringify(first)));
  assert.equal(repeated.status, 200);
  assert.notEqual(repeated.headers.get('x-moonhook-duplicate-of'), null);
  assert.equal((await logged(served, 3)).length, 3);
});

test('events choose among the items of a batch', async (context) => {
  const served = await start(context, 'hubspot', ['deal']);
  const body = Buffer.from(JSON.stringify([item(1, 'contact.creation'), item(2, 'deal.creation')]));
  assert.equal((await send(served, 'hubspot', body)).status, 200);
  assert.deepEqual(await logged(served, 1), ['deal.creation com.hubspot.deal.creation 2 {']);
  const record = await served.record({}, ({ outcome }) => outcome === 'accepted');
  assert.ok(record.steps?.some(({ detail }) => detail === '1 of 2 items are wanted'));
  const none = await send(served, 'hubspot', Buffer.from(JSON.stringify([item(9, 'contact.creation')])));
  assert.equal(none.status, 200);
  assert.equal((await served.record({}, ({ outcome }) => outcome === 'filtered')).outcome, 'filtered');
});

test('a synchronous trigger sees a batch whole, once', async (context) => {
  const served = await start(context, 'hubspot', undefined, 'sync');
  const body = Buffer.from(JSON.stringify([item(1, 'contact.creation'), item(2, 'deal.creation')]));
  assert.equal((await send(served, 'hubspot', body)).status, 204);
  const records = await served.runtime.records.query({});
  assert.equal(records.length, 1);
  // `event.data` is the list itself: it has no member `eventId` of its own, and the body begins with `[`.
  const [record] = records;
  assert.deepEqual(
    record?.log?.map(({ message }) => message),
    ['batch com.hubspot.batch nil ['],
  );
});

for (const [name, line] of [
  ['mandrill', 'click com.mandrill.click click {'],
  ['meta', 'page.feed com.meta.page.feed feed {'],
  ['pusher', 'channel_occupied com.pusher.channel_occupied channel_occupied {'],
  ['salesforce', 'Account com.salesforce.Account false <'],
] as const) {
  test(`the items of ${name} are events with their own bytes`, async (context) => {
    const served = await start(context, name);
    const [sample] = readSamples(name);
    const answer = await send(served, name, sample?.body ?? Buffer.alloc(0));
    assert.equal(answer.status, 200);
    if (name === 'salesforce') assert.match(await answer.text(), /<Ack>true<\/Ack>/);
    assert.deepEqual(await logged(served, 1), [line]);
  });
}

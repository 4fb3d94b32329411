/** Events that set off events: what may descend from one is bounded, very many deliveries wait behind fresh ones. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { secretRefs, startWebhookBench, type WebhookBench } from '../builders/webhook-bench.ts';

const open = { open: {} };
const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{}' });

suite('chains of events', () => {
  let bench: WebhookBench;
  before(async () => {
    bench = await startWebhookBench({
      functions: [
        {
          name: 'storm',
          namespace: 'team-a',
          code: `
            local function ten()
              for _ = 1, 10 do
                local id, err = events.publish("com.storm", {})
                if id == nil then
                  assert(err.message:find("used up") or err.message:find("chain"), err.message)
                  kv.incr("refused")
                end
              end
            end
            return {
              begin = ten,
              each = function() kv.incr("runs") ten() end,
              read = function() return { runs = kv.get("runs") or 0, refused = kv.get("refused") or 0 } end,
              far = function(event) assert(http.post(event.request.query.to)) end,
              again = function() assert(later("again_later", { n = 1 })) end,
              again_later = function(event)
                local n = event.data.n
                if n == 25 then log.info("still here") else assert(later("again_later", { n = n + 1 })) end
              end,
            }`,
          triggers: [
            { name: 'begin', http: { path: 'begin', mode: 'async', receiver: open } },
            { name: 'each', event: { type: 'com.storm' } },
            { name: 'read', http: { path: 'read', receiver: open } },
            { name: 'far', http: { path: 'far', receiver: open } },
            { name: 'again', http: { path: 'again', mode: 'async', receiver: open } },
          ],
        },
      ],
    });
  });
  after(() => bench.close());

  const underWay = (): Promise<number[]> =>
    Promise.all(['waiting', 'leased'].map((state) => bench.served.metric(`deliveries{state="${state}"}`)));
  const quiet = async (): Promise<void> => {
    await eventually(
      'nothing is under way',
      async () => (await underWay()).every((count) => count === 0),
      underWay,
      120_000,
    );
  };

  test('a storm in which each event sets off ten runs dry; the last ones are told why', async () => {
    const answer = await post(`${bench.served.url}/team-a/begin`, { 'x-moonhook-budget': '60' });
    assert.equal(answer.status, 202);
    await quiet();
    const seen = (await (await fetch(`${bench.served.url}/team-a/read`)).json()) as { runs: number; refused: number };
    // 10 of the first, 6 of each of them, then one child each until the eighth hop.
    assert.equal(seen.runs, 10 + 60 * 7);
    assert.ok(seen.refused > 0);
  });

  test('a chain without branches is not used up, however long it goes on', async () => {
    const answer = await post(`${bench.served.url}/team-a/again`, { 'x-moonhook-budget': '1' });
    assert.equal(answer.status, 202);
    await bench.served.record({ functionName: 'storm' }, ({ log }) => log?.[0]?.message === 'still here');
  });

  test('what a call set off is named in its record, by the id that leads to the rest of the story', async () => {
    const answer = await post(`${bench.served.url}/team-a/again`, { 'x-moonhook-budget': '1' });
    const id = answer.headers.get('x-call-id') ?? '';
    const first = await bench.served.record({ id, trigger: 'again' }, ({ outcome }) => outcome === 'ok');
    const next = /^again_later as (\S+)$/.exec(first.hostCalls?.[0]?.summary ?? '')?.[1];
    assert.ok(next !== undefined, JSON.stringify(first.hostCalls));
    const second = await bench.served.record({ id: next }, ({ outcome }) => outcome === 'ok');
    assert.deepEqual([second.kind, second.handler], ['later', 'again_later']);
    const begun = await post(`${bench.served.url}/team-a/begin`, { 'x-moonhook-budget': '1' });
    const origin = begun.headers.get('x-call-id') ?? '';
    const begin = await bench.served.record({ id: origin, trigger: 'begin' }, ({ outcome }) => outcome === 'ok');
    const event = /^com\.storm as (\S+)$/.exec(begin.hostCalls?.[0]?.summary ?? '')?.[1];
    assert.ok(event !== undefined, JSON.stringify(begin.hostCalls));
    assert.equal((await bench.served.record({ id: event })).trigger, 'each');
    await quiet();
  });

  test('requests carry what is left, webhooks too, and our own ingress honours it', async () => {
    await post(`${bench.served.url}/team-a/far?to=${encodeURIComponent(`${bench.receiver.url}/far`)}`, {
      'x-moonhook-budget': '100',
    });
    const [asked] = await bench.receiver.count('/far', 1);
    const left = Number(asked?.headers['x-moonhook-budget']);
    assert.ok(left > 0 && left < 100, String(left));
    await bench.served.subscribe({
      name: 'out',
      namespace: 'team-a',
      url: `${bench.receiver.url}/out`,
      events: ['com.out'],
      secretRefs,
    });
    await bench.publish('com.out', {});
    const [sent] = await bench.receiver.count('/out', 1);
    const share = Number(sent?.headers['x-moonhook-budget']);
    assert.ok(share > 0 && share < 10_000, String(share));
    const spent = await post(`${bench.served.url}/team-a/read`, { 'x-moonhook-budget': '0' });
    assert.equal(spent.status, 508);
    assert.equal(((await spent.json()) as { code: string }).code, 'HopLimit');
    assert.equal((await post(`${bench.served.url}/team-a/read`, { 'x-moonhook-budget': 'x' })).status, 400);
    // The control: more than a root may have is that of a root.
    assert.equal((await post(`${bench.served.url}/team-a/read`, { 'x-moonhook-budget': '999999' })).status, 200);
  });
});

test('more than a thousand deliveries are expanded behind fresh events, each arrives once', async () => {
  const bench = await startWebhookBench({ settings: { workers: 2 } });
  try {
    const subscribers = 1_100;
    await bench.served.subscribe(
      ...Array.from({ length: subscribers }, (_, index) => ({
        name: `s${index}`,
        namespace: 'team-a',
        url: `${bench.receiver.url}/many/${index}`,
        events: ['com.many'],
        secretRefs,
      })),
    );
    await bench.publish('com.many', { n: 1 });
    for (let index = 0; index < subscribers; index += 100) await bench.receiver.count(`/many/${index}`, 1);
    while ((await bench.served.metric('deliveries{state="done"}')) < subscribers + 1);
    const paths = bench.receiver.received.map(({ path }) => path);
    assert.equal(paths.length, subscribers);
    assert.equal(new Set(paths).size, subscribers);
    assert.equal(await bench.served.metric('events_conservation_gap'), 0);
    // The event was stored with one delivery, the expansion; each share of its budget is small.
    assert.ok(bench.receiver.received.every(({ headers }) => Number(headers['x-moonhook-budget']) < 10));
  } finally {
    await bench.close();
  }
});

/** What callers of the call listener are told, and what `explain` says of their calls and events afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { startLocal } from '../builders/local-run.ts';
import { startReceiver } from '../builders/webhook-receiver.ts';

const files = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job, namespace: team-a }
spec:
  code: |
    return {
      call = function(event) return { did = event.data } end,
      order = function(event) log.info("order") end,
    }
  callback: { secretRefs: [{ name: job, key: secret }], urls: [127.0.0.1] }
  triggers:
    - { name: order, event: { type: com.acme.order.* } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: chain, namespace: team-b }
spec:
  code: |
    return {
      call = function() return assert(events.publish("com.acme.ship", {})) end,
      ship = function() assert(later("pack", {})) end,
      pack = function() error(fail "no box") end,
      died = function(event) log.info("died", { cause = event.data.event.id }) end,
    }
  triggers:
    - { name: ship, event: { type: com.acme.ship } }
    - { name: died, event: { type: dev.moonhook.call.dead } }
---
apiVersion: v1
kind: Secret
metadata: { name: job, namespace: team-a, labels: { moonhook.dev/functions: "true" } }
stringData: { secret: "0123456789abcdef0123" }
`;

test('callers are told what is wrong, and find their calls again', { timeout: 120_000 }, async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const local = await startLocal(t, { files: { 'job.yaml': files }, options: { egressAllow: ['127.0.0.1'] } });
  const { admin, calls } = local.run.addresses;
  const authorization = `Bearer ${local.token}`;
  const post = (path: string, headers: Readonly<Record<string, string>> = {}, body = '{}'): Promise<Response> =>
    fetch(`${calls}${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body,
    });
  const explain = async (id: string): Promise<string> => {
    const answer = await fetch(`${admin}/-/api/explain?id=${encodeURIComponent(id)}`, { headers: { authorization } });
    const { lines = [] } = (await answer.json()) as { readonly lines?: readonly string[] };
    return lines.join('\n');
  };
  const told = (id: string, pattern: RegExp): Promise<string> => {
    let story = '';
    return eventually(
      String(pattern),
      async () => {
        story = await explain(id);
        return pattern.test(story) && story;
      },
      () => story,
    );
  };
  const problem = async (answer: Response): Promise<readonly [number, string, string]> => {
    const { code, detail } = (await answer.json()) as { readonly code: string; readonly detail: string };
    return [answer.status, code, detail];
  };

  await t.test('a path that is none, and an Idempotency-Key that is empty or too long', async () => {
    const [status, code, detail] = await problem(await post('/async-function/job'));
    assert.deepEqual([status, code], [404, 'RouteNotFound']);
    assert.match(detail, /^calls go to \/function\/NAMESPACE\/NAME or .*, events to \/events\/NAMESPACE$/);
    for (const key of [' ', 'k'.repeat(513)]) {
      const refused = await problem(await post('/async-function/team-a/job', { 'idempotency-key': key }));
      assert.equal(refused[1], 'RequestInvalid');
      assert.match(refused[2], /^Idempotency-Key must have 1 to 512 characters, this one has (?:0|513)$/);
    }
  });

  await t.test('a call is explained by its Idempotency-Key, to the answer of its callback', async () => {
    const headers = { 'idempotency-key': 'job-7', 'x-callback-url': `${receiver.url}/back`, prefer: 'respond-async' };
    const first = await post('/function/team-a/job', headers);
    assert.deepEqual([first.status, first.headers.get('preference-applied')], [202, 'respond-async']);
    const { id } = (await first.json()) as { readonly id: string };
    const again = await post('/async-function/team-a/job', { 'idempotency-key': 'job-7' });
    assert.deepEqual([again.status, again.headers.get('preference-applied')], [202, null]);
    await receiver.count('/back', 1);
    const story = await told('job-7', /delivery dlv-\d+ to the callback of team-a\/job: done/);
    assert.match(story, /ok {3}store: stored for handler call, with a callback/);
    assert.match(story, /\n {2}asynchronous call, attempt 1\n/);
    assert.match(story, new RegExp(`stop duplicate: the Idempotency-Key was used before, by ${id}`));
    assert.match(story, /callback to http:\/\/127\.0\.0\.1:\d+\/back, attempt 1\n {2}the receiver answered 204/);
    assert.doesNotMatch(story, /later, attempt|route \/\*/);
  });

  await t.test('an event says what it is and how far it goes, a second one of its id that it came before', async () => {
    const headers = { 'ce-specversion': '1.0', 'ce-type': 'com.acme.order.paid', 'ce-source': '/till', 'ce-id': 'o-1' };
    const accepted = await post('/events/team-a', headers);
    assert.equal(accepted.status, 202);
    assert.equal((await post('/events/team-a', headers)).headers.get('x-moonhook-duplicate-of'), 'o-1');
    const story = await told('o-1', /trigger order · ok/);
    assert.match(story, /stop duplicate: an event of this id from \/till came before/);
    assert.match(story, /· the event bus of team-a · accepted\n {2}POST \/events\/team-a /);
    assert.match(story, /ok {3}publish: com\.acme\.order\.paid from \/till goes to 1 destination\n/);
    const ofCall = await told(
      accepted.headers.get('x-call-id') ?? '',
      /delivery dlv-\d+ to team-a\/job trigger order: done/,
    );
    assert.match(ofCall, /· the event bus of team-a · accepted/);
  });

  await t.test('a story leads back to what set it off, from the news of a death to the first call', async () => {
    const answer = await post('/function/team-b/chain');
    const published = await answer.text();
    const shipped = await told(published, /trigger ship · ok/);
    const [, first] = /event \S+ · com\.acme\.ship from \/team-b\/chain\n.*set off by call (\S+), /.exec(shipped) ?? [];
    assert.equal(first, answer.headers.get('x-call-id'));
    const [, shipping, packing] = /call (\S+) · [^]* later pack as (\S+): ok/.exec(shipped) ?? [];
    assert.ok(shipping !== undefined && packing !== undefined, shipped);
    const packed = await told(packing, /Failed: no box/);
    assert.match(
      packed,
      new RegExp(`^\\S+ event ${packing} · dev\\.moonhook\\.later .*\\n.*set off by call ${shipping}, `),
    );
    const listed = await eventually('the news', async () => {
      const records = await fetch(`${admin}/-/api/calls?namespace=team-b&name=chain&trigger=died`, {
        headers: { authorization },
      });
      return ((await records.json()) as { readonly calls: readonly { readonly eventId: string }[] }).calls[0];
    });
    assert.match(await told(listed.eventId, /trigger died · ok/), new RegExp(`because of event ${packing}, body `));
  });
});

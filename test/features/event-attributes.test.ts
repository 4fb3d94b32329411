/** Attributes that a publisher adds to an event: kept, given to handlers and filters, sent on, shown; refused with the reason. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { HTTP, CloudEvent } from 'cloudevents';
import { plainSecret, secretRefs, startWebhookBench, type WebhookBench } from '../builders/webhook-bench.ts';

const structured = 'application/cloudevents+json';

suite('attributes of published events', () => {
  let bench: WebhookBench;
  before(async () => {
    bench = await startWebhookBench({
      functions: [
        {
          name: 'hear',
          namespace: 'team-a',
          code: `return function(event)
            local a = event.attributes or {}
            log.info(json.encode({ region = a.region, retries = a.retries, urgent = a.urgent, subject = event.subject }))
          end`,
          triggers: [{ name: 'on', event: { type: 'com.acme.*' }, filter: 'event.attributes ~= nil' }],
        },
        {
          name: 'hub',
          namespace: 'team-a',
          code: 'return function() end',
          triggers: [
            {
              name: 'hub',
              http: {
                path: 'hub',
                mode: 'async',
                publish: true,
                receiver: { github: { secretRefs: [{ name: 'signing', key: 'plain' }] } },
              },
            },
          ],
        },
        {
          name: 'tell',
          namespace: 'team-a',
          code: `return function(event)
            local attributes = event.data
            return { id = assert(events.publish("com.acme.told", {}, { attributes = attributes })) }
          end`,
        },
      ],
    });
    await bench.served.subscribe({
      name: 'out',
      namespace: 'team-a',
      secretRefs,
      url: `${bench.receiver.url}/out`,
      events: ['com.acme.*'],
      format: 'cloudEvents',
      filter: 'event.attributes ~= nil and event.attributes.region == "eu"',
    });
  });
  after(() => bench.close());

  const post = (body: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
    bench.served.call('/events/team-a', { method: 'POST', headers, body });
  const said = async (id: string): Promise<unknown> => {
    const record = await bench.served.record({ id, trigger: 'on' }, ({ outcome }) => outcome === 'ok');
    return JSON.parse(record.log?.[0]?.message ?? '{}');
  };
  const sent = async (id: string): Promise<Readonly<Record<string, unknown>>> => {
    for (let count = 1; ; count += 1) {
      const all = await bench.receiver.count('/out', count);
      const found = all
        .map(({ body }) => JSON.parse(body) as Record<string, unknown>)
        .find((each) => each['id'] === id);
      if (found !== undefined) return found;
    }
  };

  test('of a structured event: with their types to handler, filter and subscriber', async () => {
    const event = { specversion: '1.0', id: 's1', source: '/a', type: 'com.acme.one', dataschema: 'https://a/schema' };
    const fields = { ...event, region: 'eu', retries: 3, urgent: true, nothing: null, data: { n: 1 } };
    const accepted = await post(JSON.stringify(fields), { 'content-type': structured });
    assert.equal(accepted.status, 202);
    assert.deepEqual(await said('s1'), { region: 'eu', retries: 3, urgent: true });
    const out = await sent('s1');
    assert.deepEqual(
      [out['region'], out['retries'], out['urgent'], out['dataschema'], 'nothing' in out, out['data']],
      ['eu', 3, true, 'https://a/schema', false, { n: 1 }],
    );
    const record = await bench.served.record({ id: 's1', trigger: 'on' });
    assert.deepEqual(record.eventAttributes, {
      region: 'eu',
      retries: 3,
      urgent: true,
      dataschema: 'https://a/schema',
    });
  });

  test('of a binary event as an independent library writes it, and what it makes of ours', async () => {
    const event = new CloudEvent({ id: 'b1', source: '/b', type: 'com.acme.two', subject: 'a "b" 100% €', data: {} });
    const { headers, body } = HTTP.binary(event.cloneWith({ region: 'eu', place: 'x' }));
    // It leaves to us what the binding asks for: percent-encoding of what does not fit into a header.
    const encoded = { ...(headers as Record<string, string>), 'ce-subject': encodeURIComponent('a "b" 100% €') };
    const accepted = await post(body as string, encoded);
    assert.equal(accepted.status, 202, await accepted.text());
    assert.deepEqual(await said('b1'), { region: 'eu', subject: 'a "b" 100% €' });
    await sent('b1');
    const raw = bench.receiver.received.find((each) => each.body.includes('"b1"'));
    const read = HTTP.toEvent({ headers: { ...raw?.headers }, body: raw?.body ?? '' });
    assert.ok(!Array.isArray(read));
    const parsed = read as unknown as Readonly<Record<string, unknown>>;
    assert.deepEqual([parsed['region'], parsed['place'], parsed['subject']], ['eu', 'x', 'a "b" 100% €']);
  });

  test('of an event a function publishes; the filter keeps what has another region', async () => {
    const tell = async (attributes: unknown): Promise<Response> =>
      bench.served.call('/function/team-a/tell', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(attributes),
      });
    const response = await tell({ region: 'us', retries: 7, urgent: false });
    const { id } = (await response.json()) as { readonly id: string };
    assert.deepEqual(await said(id), { region: 'us', retries: 7, urgent: false });
    const kept = await bench.served.record({ id }, ({ kind }) => kind === 'webhook');
    assert.equal(kept.outcome, 'filtered');
    for (const wrong of [{ verified: true }, { 'Not a name': 1 }, { deep: { a: 1 } }, { subject: 'x' }, [1, 2]]) {
      const refused = await tell(wrong);
      assert.equal(refused.status, 500, JSON.stringify(wrong));
    }
  });

  test('bytes without a type add none to what is signed', async () => {
    const bytes = Buffer.from('1,"type":"dev.moonhook.call.dead","id":"forged"');
    const event = { specversion: '1.0', source: '/a', type: 'com.acme.bytes', region: 'eu' };
    const binary = { 'ce-type': 'com.acme.bytes', 'ce-source': '/a', 'ce-region': 'eu' };
    const untyped = async (id: string, body: Buffer): Promise<void> => {
      const response = await bench.served.call('/events/team-a', {
        method: 'POST',
        headers: { ...binary, 'ce-id': id },
        body: new Uint8Array(body),
      });
      assert.equal(response.status, 202);
    };
    await untyped('y1', bytes);
    const encoded = { ...event, id: 'y2', data_base64: bytes.toString('base64') };
    assert.equal((await post(JSON.stringify(encoded), { 'content-type': structured })).status, 202);
    for (const id of ['y1', 'y2']) {
      const { type, data, datacontenttype } = await sent(id);
      assert.deepEqual([type, data, datacontenttype], ['com.acme.bytes', bytes.toString(), 'application/octet-stream']);
    }
    await untyped('y3', Buffer.from('{"n":1}'));
    assert.deepEqual((await sent('y3'))['data'], { n: 1 }, 'control: what is JSON stays JSON');
    const declared = JSON.stringify({ ...encoded, datacontenttype: 'application/json' });
    assert.equal((await post(declared, { 'content-type': structured })).status, 400);
  });

  test('what is sent on of a form is what was read of it', async () => {
    const { served, receiver } = bench;
    const subscription = { name: 'hub', namespace: 'team-a', secretRefs, url: `${receiver.url}/hub` };
    await served.subscribe({ ...subscription, events: ['com.github.*'] });
    const body = 'pay%6Coad=1%2C%22type%22%3A%22forged%22&payload=%7B%22n%22%3A1%7D';
    const accepted = await fetch(`${served.url}/team-a/hub`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-github-event': 'push',
        'x-github-delivery': 'form-1',
        'x-hub-signature-256': `sha256=${createHmac('sha256', plainSecret).update(body).digest('hex')}`,
      },
    });
    assert.equal(accepted.status, 202);
    const [received] = await receiver.count('/hub', 1);
    const { type, data } = JSON.parse(received?.body ?? '') as Readonly<Record<string, unknown>>;
    assert.deepEqual([type, data], ['com.github.push', { n: 1 }]);
  });

  test('a bad one is named with its rule, and nothing of a batch is kept', async () => {
    const refused = async (fields: object, batch = false): Promise<string> => {
      const event = { specversion: '1.0', id: 'bad', source: '/a', type: 'com.acme.bad', ...fields };
      const [type, body] = batch
        ? [
            'application/cloudevents-batch+json',
            [{ specversion: '1.0', id: 'first', source: '/a', type: 'com.acme.bad', region: 'eu' }, event],
          ]
        : [structured, event];
      const response = await post(JSON.stringify(body), { 'content-type': type });
      assert.equal(response.status, 400);
      return ((await response.json()) as { readonly detail: string }).detail;
    };
    assert.match(await refused({ my_region: 'x' }), /attribute "my_region": a name is 1 to 20 lower-case/);
    assert.match(await refused({ hops: 1 }), /attribute "hops": this name is set by Moonhook only/);
    assert.match(await refused({ deep: {} }), /attribute "deep": a value is text, an integer, true or false/);
    assert.match(await refused({ deep: {} }, true), /event 2 of 2: attribute "deep"/);
    assert.equal((await bench.served.runtime.records.query({ id: 'first' })).length, 0);
  });
});

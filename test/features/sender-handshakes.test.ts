/** Every handshake of every sender, over HTTP, while the function would never answer: the host does, in the sender's time. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { receivers } from '../../src/receivers/catalogue.ts';
import type { ReceiverDefinition } from '../../src/receivers/types.ts';
import { sendRaw } from '../builders/raw-http.ts';
import { sampleFields, sampleSecret } from '../builders/sample-receiver.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

interface Handshake {
  readonly name: string;
  readonly method: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly answer: { readonly status: number; readonly body?: string; readonly header?: readonly [string, string] };
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const verifyToken = 'verify token of the tests';

/** Before the sender has anything to sign with. */
const unsigned: readonly Handshake[] = [
  { name: 'dropbox', method: 'GET', query: '?challenge=abc', answer: { status: 200, body: 'abc' } },
  {
    name: 'meta',
    method: 'GET',
    query: `?hub.mode=subscribe&hub.verify_token=${encodeURIComponent(verifyToken)}&hub.challenge=12`,
    answer: { status: 200, body: '12' },
  },
  {
    name: 'instagram',
    method: 'GET',
    query: `?hub.mode=subscribe&hub.verify_token=${encodeURIComponent(verifyToken)}&hub.challenge=13`,
    answer: { status: 200, body: '13' },
  },
  { name: 'trello', method: 'HEAD', answer: { status: 200 } },
  { name: 'intercom', method: 'HEAD', answer: { status: 200 } },
  { name: 'mailchimp', method: 'GET', answer: { status: 200 } },
  { name: 'mailchimp', method: 'HEAD', answer: { status: 200 } },
  { name: 'mandrill', method: 'HEAD', answer: { status: 200 } },
  { name: 'mandrill', method: 'POST', headers: form, body: 'mandrill_events=%5B%5D', answer: { status: 200 } },
  { name: 'slack', method: 'GET', query: '?ssl_check=1', answer: { status: 200 } },
  {
    name: 'cloudEvents',
    method: 'OPTIONS',
    headers: { 'webhook-request-origin': 'events.example.com', 'webhook-request-rate': '120' },
    answer: { status: 200, header: ['webhook-allowed-origin', 'events.example.com'] },
  },
];

/** Proved like any other request: by event and body. */
const signed: readonly (readonly [name: string, event: string, body: string, status: number, answer?: string])[] = [
  ['slack', 'url_verification', '{"type":"url_verification","challenge":"xyz"}', 200, 'xyz'],
  ['discord', 'ping', '{"type":1}', 200, '{"type":1}'],
  ['github', 'ping', '{"zen":"Keep it logically awesome.","hook_id":1}', 202],
  ['bitbucketServer', 'diagnostics:ping', '{"test":true}', 202],
  ['intercom', 'ping', '{"type":"notification_event","topic":"ping"}', 202],
  ['pagerduty', 'pagey.ping', '{"event":{"id":"1","event_type":"pagey.ping"}}', 202],
  ['myget', 'Ping', '{"Identifier":"1","PayloadType":"PingWebHookEventPayloadV1","Payload":{}}', 202],
];

function definitionOf(name: string): ReceiverDefinition {
  return receivers.get(name) ?? assert.fail(name);
}

suite('handshakes', () => {
  let served: ServedFunctions;
  before(async () => {
    const names = [...new Set([...unsigned.map(({ name }) => name), ...signed.map(([name]) => name)])];
    const secrets = Object.fromEntries(
      names.map((name) => [`${name.toLowerCase()}/key`, Buffer.from(sampleSecret(definitionOf(name), 1)).toString()]),
    );
    served = await serveFunctions({
      secrets: { ...secrets, 'verify/token': verifyToken },
      functions: [
        {
          name: 'never',
          code: 'return function() while true do end end',
          triggers: names.map((name) => ({
            name: name.toLowerCase(),
            http: {
              path: name.toLowerCase(),
              mode: 'sync' as const,
              receiver: {
                [name]: {
                  ...sampleFields(definitionOf(name)),
                  secretRefs: [{ name: name.toLowerCase(), key: 'key' }],
                  ...(['meta', 'instagram'].includes(name) ? { verifyTokenRef: { name: 'verify', key: 'token' } } : {}),
                },
              },
            },
          })),
        },
      ],
    });
  });
  after(() => served.close());

  /** The quickest of three: a busy machine is not what is tested. */
  async function ask({ name, method, query = '', headers = {}, body = '' }: Omit<Handshake, 'answer'>) {
    let [quickest, answer] = [Number.POSITIVE_INFINITY, undefined as Awaited<ReturnType<typeof sendRaw>> | undefined];
    for (let time = 0; time < 3; time += 1) {
      const began = performance.now();
      answer = await sendRaw(`${served.url}/default/${name.toLowerCase()}${query}`, {
        method,
        headers,
        body: Buffer.from(body),
      });
      quickest = Math.min(quickest, performance.now() - began);
    }
    assert.ok(answer !== undefined);
    const budget = definitionOf(name).profile.answerBudgetMs ?? 10_000;
    assert.ok(quickest < budget, `${name}: ${quickest} ms of ${budget}`);
    return answer;
  }

  for (const handshake of unsigned) {
    const { name, method, query = '', answer: expected } = handshake;
    test(`${name} ${method} ${query.split('=')[0]} is answered by the host`, async () => {
      const answer = await ask(handshake);
      assert.equal(answer.status, expected.status, answer.body);
      if (expected.body !== undefined) {
        assert.equal(answer.body, expected.body);
        assert.match(String(answer.headers['content-type']), /^text\/plain/);
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      }
      if (expected.header !== undefined) assert.equal(answer.headers[expected.header[0]], expected.header[1]);
    });
  }

  for (const [name, event, text, status, expected] of signed) {
    test(`${name} ${event} is answered by the host once it is proved, and not before`, async () => {
      const definition = definitionOf(name);
      const url = `http://127.0.0.1:1/default/${name.toLowerCase()}`;
      const tools = { now: () => Date.now(), newId: () => 'delivery-1' };
      const sign = (number: number) =>
        definition.sign(
          event,
          Buffer.from(text),
          url,
          sampleFields(definition),
          { secrets: [sampleSecret(definition, number)] },
          tools,
        );
      const query = (target = '') => (target.includes('?') ? target.slice(target.indexOf('?')) : '');
      const askSigned = async (number: number) => {
        const { method, headers, body, target } = sign(number);
        return ask({ name, method, headers, query: query(target), body: Buffer.from(body).toString() });
      };
      const answer = await askSigned(1);
      assert.ok([status, 200, 202, 204].includes(answer.status), `${answer.status} ${answer.body}`);
      if (expected !== undefined) assert.equal(answer.body, expected);
      assert.equal((await askSigned(2)).status, 401);
    });
  }

  test('control: anything else runs the function, which never answers', async () => {
    const definition = definitionOf('github');
    const tools = { now: () => Date.now(), newId: () => 'delivery-2' };
    const secrets = { secrets: [sampleSecret(definition, 1)] };
    const { method, headers, body } = definition.sign('push', Buffer.from('{}'), served.url, {}, secrets, tools);
    const answer = await sendRaw(`${served.url}/default/github`, { method, headers, body });
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.deepEqual(
      (await served.runtime.records.query({ outcomes: ['cpu', 'timeout'] })).map(({ trigger }) => trigger),
      ['github'],
    );
  });
});

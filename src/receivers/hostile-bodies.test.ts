/** Bodies made to be costly, and senders with certificates under arbitrary requests: nothing throws, passes or takes long. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { signer } from '../../test/builders/document-host.ts';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import {
  prepareSample,
  certified,
  sampleFields,
  sampleSecret,
  sampleTools,
  secretsFor,
} from '../../test/builders/sample-receiver.ts';
import { requestOfVector, type Vector } from '../../test/builders/vector-request.ts';
import { awsSns } from './aws-sns.ts';
import { receivers } from './catalogue.ts';
import { paypal } from './paypal.ts';
import { refusalReasons } from './reasons.ts';
import type { PreparedReceiver, RawRequest, ReceiverSecrets, VerifyTools } from './types.ts';

const url = 'https://hooks.example.com/team-a/hook';
const pretended = { verdict: 'verified', proof: 'signature', steps: [] } as const;

const fill = (piece: string, bytes: number): string => piece.repeat(Math.ceil(bytes / piece.length));
/** By content type: what readers of many kinds do worst with, of a given length. */
const shapes: readonly (readonly [string, string, (bytes: number) => string])[] = [
  ['deep arrays', 'application/json', (bytes) => fill('[', bytes)],
  ['deep objects', 'application/json', (bytes) => fill('{"a":', bytes)],
  ['many members', 'application/json', (bytes) => `{${fill('"id":1,', bytes)}"type":"x"}`],
  ['many items', 'application/json', (bytes) => `[${fill('{"type":"x"},', bytes)}{}]`],
  ['a string that does not end', 'application/json', (bytes) => `{"type":"${fill('\\\\', bytes)}`],
  ['quotes', 'application/json', (bytes) => `{"type":"${fill('\\"', bytes)}"}`],
  ['blanks', 'application/json', (bytes) => `${fill(' ', bytes)}{}`],
  ['many fields', 'application/x-www-form-urlencoded', (bytes) => fill('a=b&', bytes)],
  ['escapes', 'application/x-www-form-urlencoded', (bytes) => `payload=${fill('%7B', bytes)}`],
  ['broken escapes', 'application/x-www-form-urlencoded', (bytes) => `mandrill_events=${fill('%', bytes)}`],
  ['elements', 'text/xml', (bytes) => fill('<Notification>', bytes)],
  ['a tag that does not end', 'text/xml', (bytes) => `<OrganizationId${fill(' ', bytes)}`],
  ['closing tags', 'text/xml', (bytes) => `<Notification>${fill('</Notification', bytes)}`],
];

async function judge(receiver: PreparedReceiver, request: RawRequest, secrets: ReceiverSecrets, tools: VerifyTools) {
  const verdict = await receiver.verify(request, secrets, tools);
  // As the host does once a request has passed.
  receiver.identify(request, pretended);
  receiver.verifiedHandshake?.(request);
  receiver.acknowledge?.(request);
  return verdict;
}

describe('a body made to be costly', () => {
  for (const definition of receivers.values()) {
    const { name } = definition.profile;
    if (name === 'open' || name === 'custom') continue;
    test(`takes ${name} as long as its length allows`, async () => {
      const receiver = prepareSample(definition);
      const secrets = certified.has(name) ? secretsOf() : secretsFor(definition, sampleSecret(definition, 1));
      const tools = { now: sampleTools.now, fetchDocument: async () => ({ ok: false, message: 'none' }) as const };
      for (const [shape, type, make] of shapes) {
        const request = (bytes: number): RawRequest =>
          rawRequest({ url, headers: { 'content-type': type, authorization: 'Bearer x' }, body: make(bytes) });
        /** The quickest of three, in CPU time: a busy machine is not what is measured. */
        const cost = async (given: RawRequest): Promise<number> => {
          let least = Number.POSITIVE_INFINITY;
          for (let time = 0; time < 3; time += 1) {
            const before = process.cpuUsage();
            const verdict = await judge(receiver, given, secrets, tools);
            const { user, system } = process.cpuUsage(before);
            assert.equal(verdict.verdict, 'refused', shape);
            least = Math.min(least, (user + system) / 1000);
          }
          return least;
        };
        const small = await cost(request(16 * 1024));
        const large = await cost(request(512 * 1024));
        // 32 times as long; a quadratic reader would take 1024 times as long.
        assert.ok(large < 32 * 6 * Math.max(small, 0.3), `${shape}: ${small} ms, then ${large} ms`);
      }
    });
  }

  test('control: a reader that goes over the rest again and again would be noticed', () => {
    const quadratic = (text: string): number => {
      let found = 0;
      for (let at = 0; at < text.length; at += 3) if (!text.slice(at).includes('"')) found += 1;
      return found;
    };
    const cost = (bytes: number): number => {
      const before = process.cpuUsage();
      quadratic(fill('[', bytes));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    const small = cost(16 * 1024);
    assert.ok(cost(512 * 1024) >= 32 * 6 * Math.max(small, 0.3) || small > 1);
  });
});

describe('senders with certificates', () => {
  const signing = { now: () => Date.now(), newId: () => 'delivery-1' };
  const topic = sampleFields(awsSns);
  const signed = awsSns.sign('Notification', Buffer.from('{"id":"evt_1"}'), url, topic, secretsOf(signer.key), signing);
  const vectors = JSON.parse(
    readFileSync(new URL('../../test/vectors/receivers.json', import.meta.url), 'utf8'),
  ) as readonly Vector[];
  const vector = vectors.find(({ id }) => id === 'paypal-2015') ?? assert.fail();
  const documents = (bytes: string, nowMs: number): VerifyTools => ({
    now: () => nowMs,
    fetchDocument: async () => ({ ok: true, bytes: Buffer.from(bytes) }),
  });

  for (const [definition, fields, request, tools] of [
    [
      awsSns,
      topic,
      rawRequest({ url, headers: signed.headers, body: signed.body }),
      documents(signer.certificate, Date.now()),
    ],
    [
      paypal,
      { webhookId: vector.webhook_id },
      requestOfVector(vector),
      documents(vector.key, (vector.verify_at_unix ?? 0) * 1000),
    ],
  ] as const) {
    const { name } = definition.profile;
    test(`${name} lets a genuine request in, and none that is changed anywhere`, async () => {
      const prepared = definition.prepare(fields);
      assert.ok(prepared.ok);
      const { receiver } = prepared;
      assert.equal((await judge(receiver, request, secretsOf(), tools)).verdict, 'verified');
      const text = fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('__proto__', '', '=', '\u0000'),
      );
      const headers = [...new Set([...request.headers.keys(), 'authorization', '__proto__'])];
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom(...headers), fc.array(text, { maxLength: 3 })), { maxLength: 4 }),
          fc.nat(),
          fc.integer({ min: 1, max: 255 }),
          async (pairs, place, change) => {
            const body = Buffer.from(request.body);
            const at = place % body.length;
            body[at] = (body[at] ?? 0) ^ change;
            const fuzzed = { ...request, headers: new Map([...request.headers, ...pairs]), body };
            const verdict = await judge(receiver, fuzzed, secretsOf(), tools);
            // SNS signs fields: what lies around them may be written in another way and say the same.
            if (verdict.verdict === 'verified') {
              assert.equal(name, 'awsSns');
              assert.deepEqual(fieldsOf(body), fieldsOf(request.body));
            } else assert.ok(Object.hasOwn(refusalReasons, verdict.reason), verdict.reason);
          },
        ),
        { numRuns: 400 },
      );
    });
  }
});

const signedNames = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const;

function fieldsOf(body: Uint8Array): readonly unknown[] {
  const message = JSON.parse(Buffer.from(body).toString()) as Readonly<Record<string, unknown>>;
  return signedNames.map((name) => message[name]);
}

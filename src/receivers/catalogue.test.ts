import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { leastMs } from '../../test/builders/least-time.ts';
import { rawRequest } from '../../test/builders/raw-request.ts';
import {
  prepareSample,
  certified,
  sampleFields,
  sampleSecret,
  sampleTools,
  secretsFor,
} from '../../test/builders/sample-receiver.ts';
import { receivers } from './catalogue.ts';
import { refusalReasons } from './reasons.ts';
import type { PreparedReceiver, RawRequest, ReceiverDefinition, ReceiverSecrets, Verdict } from './types.ts';

const url = 'https://hooks.example.com/team-a/hook';
const now = sampleTools.now();

async function verify(receiver: PreparedReceiver, request: RawRequest, secrets: ReceiverSecrets): Promise<Verdict> {
  return receiver.verify(request, secrets, { now: () => now });
}

/** Proofs that say nothing about the body, whoever made them. */
const provesCallerOnly = (name: string, proof: string): boolean => proof === 'secret' || name === 'jwt';

/** Senders of other documents than JSON make them themselves. */
const sampleBody = ({ profile }: ReceiverDefinition): string =>
  profile.name === 'salesforce' ? '' : '{"id":"evt_1","type":"x.y"}';

/** A genuine request, as `send` makes it. */
function genuine(definition: ReceiverDefinition, secrets: ReceiverSecrets, body = sampleBody(definition)): RawRequest {
  const { guide } = definition;
  const signed = definition.sign(
    guide.sampleEvent,
    Buffer.from(body),
    url,
    sampleFields(definition),
    secrets,
    sampleTools,
  );
  const target = signed.target === undefined ? url : new URL(signed.target, url).href;
  return rawRequest({ method: signed.method, url: target, headers: signed.headers, body: signed.body });
}

const proving = [...receivers.values()].filter(
  ({ profile }) => !['open', 'custom'].includes(profile.name) && !certified.has(profile.name),
);

describe('the catalogue', () => {
  for (const definition of receivers.values()) {
    const { profile, guide } = definition;
    test(`${profile.name} says what people and the rest of the product have to know`, () => {
      assert.match(profile.name, /^[a-z][A-Za-z0-9]*$/);
      assert.equal(receivers.get(profile.name), definition);
      for (const text of [profile.title, guide.secret, guide.scheme, guide.replay, guide.event, guide.sampleEvent]) {
        assert.ok(text.length > 3, text);
      }
      assert.ok(URL.canParse(profile.documentation));
      for (const header of profile.credentialHeaders) assert.equal(header, header.toLowerCase());
      assert.ok(profile.acknowledgement.status >= 200 && profile.acknowledgement.status < 300);
      assert.equal(definition.required.includes('secretRefs'), profile.secretsRequired > 0);
      for (const field of definition.required) {
        assert.ok(field === 'secretRefs' || field in definition.fields, field);
      }
      checkDescribed(definition.fields, profile.name);
    });
  }
});

function checkDescribed(properties: Readonly<Record<string, unknown>>, path: string): void {
  for (const [name, schema] of Object.entries(properties)) {
    const node = schema as { description?: string; properties?: Record<string, unknown> };
    assert.ok((node.description ?? '').length > 10, `${path}.${name} has no description`);
    if (node.properties !== undefined) checkDescribed(node.properties, `${path}.${name}`);
  }
}

describe('every receiver that proves something', () => {
  for (const definition of proving) {
    const { name } = definition.profile;
    const secret = sampleSecret(definition, 1);
    const other = sampleSecret(definition, 2);

    test(`${name} verifies what it signs, and only with the right secret`, async () => {
      const receiver = prepareSample(definition);
      const request = genuine(definition, secretsFor(definition, secret));
      const verdict = await verify(receiver, request, secretsFor(definition, secret));
      assert.equal(verdict.verdict, 'verified', JSON.stringify(verdict));
      assert.ok(verdict.verdict === 'verified' && verdict.proof !== 'none');
      const identified = receiver.identify(request, verdict);
      assert.match(identified.name, /^[A-Za-z0-9_.:/@-]{1,128}$/);
      assert.ok(identified.type.endsWith(identified.name));

      const wrong = await verify(receiver, request, secretsFor(definition, other));
      assert.ok(wrong.verdict === 'refused' && /Mismatch$|^KeyUnknown$/.test(wrong.reason), JSON.stringify(wrong));
      const none = await verify(receiver, request, secretsFor(definition));
      assert.ok(none.verdict === 'refused' && none.reason === 'NoSecret');
      const empty = await verify(receiver, request, secretsFor(definition, Buffer.alloc(0)));
      assert.equal(empty.verdict, 'refused');
    });

    test(`${name} accepts the old and the new secret while one replaces the other`, async () => {
      const receiver = prepareSample(definition);
      for (const signing of [secret, other]) {
        const request = genuine(definition, secretsFor(definition, signing));
        const swapped = secretsFor(definition, other, secret);
        // The request says which of the named keys made its signature: that one has to have it.
        for (const both of [secretsFor(definition, secret, other), ...(name === 'httpSignature' ? [] : [swapped])]) {
          if (name === 'httpSignature' && signing === other) continue;
          assert.equal((await verify(receiver, request, both)).verdict, 'verified');
        }
      }
      const third = genuine(definition, secretsFor(definition, sampleSecret(definition, 3)));
      assert.equal((await verify(receiver, third, secretsFor(definition, secret, other))).verdict, 'refused');
    });

    test(`${name} refuses a request without proof, with an empty one, and with two`, async () => {
      const receiver = prepareSample(definition);
      const request = genuine(definition, secretsFor(definition, secret));
      assert.equal((await verify(receiver, request, secretsFor(definition, secret))).verdict, 'verified');
      for (const header of receiver.credentialHeaders) {
        const value = request.headers.get(header);
        if (value === undefined) continue;
        for (const values of [[], [''], [...value, ...value], [' '], ['='], [','], [`${value[0] ?? ''}~`]]) {
          const headers = new Map([...request.headers, [header, values]]);
          const verdict = await verify(receiver, { ...request, headers }, secretsFor(definition, secret));
          assert.equal(verdict.verdict, 'refused', `${header}: ${JSON.stringify(values)}`);
        }
      }
      const query = new Map<string, readonly string[]>();
      const bare = { ...rawRequest({ url, body: request.body }), query };
      const verdict = await verify(receiver, bare, secretsFor(definition, secret));
      assert.ok(verdict.verdict === 'refused' && verdict.reason.endsWith('Missing'), JSON.stringify(verdict));
    });

    test(`${name} neither throws nor passes on any header, body or URL`, async () => {
      const receiver = prepareSample(definition);
      const request = genuine(definition, secretsFor(definition, secret));
      const names = [
        ...new Set([...request.headers.keys(), ...receiver.credentialHeaders, 'authorization', '__proto__']),
      ];
      const value = fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(
          '__proto__',
          'constructor',
          'sha256=',
          't=1,v1=',
          'Bearer ',
          'Basic Og==',
          'v1,',
          ',,',
          't,,',
          '\u0000',
        ),
        fc.string({ unit: fc.constantFrom('0', 'a', 'F', '=', ',', ' ', '/') }),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom(...names), fc.array(value, { maxLength: 3 })), { maxLength: 6 }),
          fc.uint8Array({ maxLength: 64 }),
          async (pairs, body) => {
            const headers = new Map([...request.headers, ...pairs.map(([name, values]) => [name, values] as const)]);
            const fuzzed = { ...request, headers, body: Buffer.concat([body, Buffer.from('~')]) };
            if (receiver.credentialQuery.length > 0) fuzzed.query = new Map(pairs);
            // A token proves nothing about the body, so a request whose token is untouched may pass.
            const untouched =
              receiver.credentialQuery.length === 0 &&
              receiver.credentialHeaders.every(
                (name) => !request.headers.has(name) || fuzzed.headers.get(name) === request.headers.get(name),
              );
            const verdict = await verify(receiver, fuzzed, secretsFor(definition, secret));
            if (verdict.verdict === 'verified') assert.ok(provesCallerOnly(name, verdict.proof) && untouched);
            else assert.ok(Object.hasOwn(refusalReasons, verdict.reason), verdict.reason);
            assert.doesNotThrow(() => receiver.handshake(fuzzed, secretsFor(definition, secret)));
            const pretended = { verdict: 'verified', proof: 'signature', steps: [] } as const;
            assert.match(receiver.identify(fuzzed, pretended).name, /^[A-Za-z0-9_.:/@-]{1,128}$/);
            assert.doesNotThrow(() => receiver.verifiedHandshake?.(fuzzed));
            assert.doesNotThrow(() => receiver.acknowledge?.(fuzzed));
          },
        ),
        { numRuns: 300 },
      );
    });

    test(`${name} never says a secret in a verdict`, async () => {
      const receiver = prepareSample(definition);
      for (const signing of [secret, other]) {
        const verdict = await verify(
          receiver,
          genuine(definition, secretsFor(definition, signing)),
          secretsFor(definition, secret),
        );
        const text = JSON.stringify(verdict);
        assert.ok(text.length > 20);
        assert.ok(!text.includes(Buffer.from(secret).toString('utf8').slice(0, 12)), text);
      }
    });

    test(`${name} takes no longer for a huge header than its length allows`, async () => {
      const receiver = prepareSample(definition);
      const request = genuine(definition, secretsFor(definition, secret));
      for (const header of receiver.credentialHeaders) {
        const [value] = request.headers.get(header) ?? [];
        if (value === undefined) continue;
        for (const filler of [',', '=', 'v1=', ' ', 'a', `${value},`]) {
          const huge = filler.repeat(Math.ceil(200_000 / filler.length));
          const headers = new Map([...request.headers, [header, [huge]]]);
          const ms = await leastMs(200, async () => {
            const verdict = await verify(receiver, { ...request, headers }, secretsFor(definition, secret));
            assert.equal(verdict.verdict, 'refused');
          });
          assert.ok(ms < 200, `${header} of ${filler}`);
        }
      }
    });
  }
});

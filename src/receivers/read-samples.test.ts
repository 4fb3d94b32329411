import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { rawRequest } from '../../test/builders/raw-request.ts';
import { certified, sampleFields, sampleSecret, sampleTools, secretsFor } from '../../test/builders/sample-receiver.ts';
import { receivers } from './catalogue.ts';
import { readSamples } from './read-samples.ts';

const url = 'https://hooks.example.com/team-a/hook';

describe('sample payloads', () => {
  test('are there for each receiver, and for no other', () => {
    const files = readdirSync(new URL('./samples', import.meta.url)).map((file) => file.replace(/\.json$/, ''));
    assert.deepEqual(files.sort(), [...receivers.keys()].sort());
  });

  for (const definition of receivers.values()) {
    const { name } = definition.profile;
    test(`of ${name} are signed, verified and named as they say`, async () => {
      const result = definition.prepare(sampleFields(definition));
      assert.ok(result.ok);
      const { receiver } = result;
      for (const sample of readSamples(name)) {
        let request = rawRequest({ url, headers: { 'content-type': 'application/json' }, body: sample.body });
        let verdict = { verdict: 'verified', proof: 'signature', steps: [] } as Awaited<
          ReturnType<typeof receiver.verify>
        >;
        if (!certified.has(name) && name !== 'custom') {
          const secrets = secretsFor(definition, sampleSecret(definition, 1));
          const signed = definition.sign(
            sample.event,
            sample.body,
            url,
            sampleFields(definition),
            secrets,
            sampleTools,
          );
          const target = signed.target === undefined ? url : new URL(signed.target, url).href;
          request = rawRequest({ method: signed.method, url: target, headers: signed.headers, body: signed.body });
          verdict = await receiver.verify(request, secrets, sampleTools);
        }
        assert.ok(verdict.verdict === 'verified', JSON.stringify(verdict));
        if (name === 'awsSns') continue; // The sample is the message inside; its envelope is made when it is signed.
        assert.equal(receiver.identify(request, verdict).name, sample.event);
      }
    });
  }
});

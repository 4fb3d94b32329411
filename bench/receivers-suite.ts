/** Cost of verification for each receiver on a body of 1 KiB, and of finding out what the request is. */
import { sampleFields, sampleSecret, certified, secretsFor } from '../test/builders/sample-receiver.ts';
import { rawRequest } from '../test/builders/raw-request.ts';
import { receivers } from '../src/receivers/catalogue.ts';
import type { ReceiverDefinition } from '../src/receivers/types.ts';
import { quantile, type Measure, type Suite } from './measure.ts';

const url = 'https://hooks.example.com/team-a/hook';
const tools = { now: () => Date.UTC(2026, 0, 31), newId: () => 'delivery-1' };
const rounds = 40;
const perRound = 200;
/** No plain HMAC: signed with a public key, a token, or structured fields beside a digest of the body. */
const slower: ReadonlySet<string> = new Set(['discord', 'jwt', 'httpSignature']);

function bodyOf({ profile }: ReceiverDefinition): Buffer {
  if (profile.name === 'salesforce') return Buffer.alloc(0);
  return Buffer.from(JSON.stringify({ id: 'evt_1', type: 'order.paid', text: 'x'.repeat(980) }));
}

async function microseconds(definition: ReceiverDefinition): Promise<number> {
  const fields = sampleFields(definition);
  const prepared = definition.prepare(fields);
  if (!prepared.ok) throw new Error(definition.profile.name);
  const secrets = secretsFor(definition, sampleSecret(definition, 1));
  const signed = definition.sign('order.paid', bodyOf(definition), url, fields, secrets, tools);
  const target = signed.target === undefined ? url : new URL(signed.target, url).href;
  const request = rawRequest({ method: signed.method, url: target, headers: signed.headers, body: signed.body });
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    for (let time = 0; time < perRound; time += 1) {
      const verdict = prepared.receiver.verify(request, secrets, tools);
      const settled = verdict instanceof Promise ? await verdict : verdict;
      if (settled.verdict !== 'verified') throw new Error(`${definition.profile.name}: ${settled.reason}`);
    }
    samples.push(((performance.now() - started) * 1000) / perRound);
  }
  // The first rounds are run before the code is compiled.
  return quantile(samples.slice(10), 0.5);
}

export const suite: Suite = {
  name: 'receivers',
  run: async () => {
    const measures: Measure[] = [];
    for (const definition of receivers.values()) {
      const { name } = definition.profile;
      if (['open', 'custom'].includes(name) || certified.has(name)) continue;
      const goal = slower.has(name) ? {} : { goal: { compare: '<=', value: 10 } as const };
      measures.push({
        name: `verify ${name}`,
        value: await microseconds(definition),
        unit: 'µs',
        ...goal,
        note: '1 KiB',
      });
    }
    return measures;
  },
};

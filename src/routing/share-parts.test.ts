import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, httpTriggerEntry } from '../../test/builders/function-entry.ts';
import { createPartSharer } from './share-parts.ts';
import type { FunctionEntry, HttpTriggerEntry } from './types.ts';

const arrived = (entry: FunctionEntry): FunctionEntry => structuredClone(entry);
const webOf = (entry: FunctionEntry): HttpTriggerEntry => {
  const [trigger] = entry.triggers;
  assert.ok(trigger?.kind === 'http');
  return trigger;
};

test('an entry says the same after its parts were shared', () => {
  const share = createPartSharer();
  const entry = functionEntry({ env: { A: 'b' }, secretEnv: ['A'], triggers: [httpTriggerEntry()] });
  assert.deepEqual(share(arrived(entry)), entry);
  assert.deepEqual(share(arrived(entry)), entry, 'also when everything was seen before');
});

test('what two functions have in common is one object', () => {
  const share = createPartSharer();
  const [one, other] = ['one', 'other'].map((name) =>
    share(arrived(functionEntry({ uid: name, name, triggers: [httpTriggerEntry()] }))),
  ) as [FunctionEntry, FunctionEntry];
  assert.equal(one.limits, other.limits);
  assert.equal(one.retryScheduleMs, other.retryScheduleMs);
  assert.equal(webOf(one).receiver, webOf(other).receiver);
  assert.equal(webOf(one).limits, one.limits, 'a trigger without limits of its own has those of its function');
  assert.notEqual(one.name, other.name);
});

test('parts that hold secrets belong to one function alone', () => {
  const share = createPartSharer();
  const signed = httpTriggerEntry({ receiver: { name: 'github', fields: {}, secrets: ['c2VjcmV0'] } });
  const make = (): FunctionEntry => share(arrived(functionEntry({ env: { KEY: 'secret' }, triggers: [signed] })));
  const [one, other] = [make(), make()];
  assert.notEqual(webOf(one).receiver, webOf(other).receiver);
  assert.notEqual(one.env, other.env);
  assert.equal(webOf(one).receiver.fields, webOf(other).receiver.fields, 'the rest is shared');
});

test('more different parts than are remembered are still right', () => {
  const share = createPartSharer();
  for (let index = 0; index < 10_000; index += 1) {
    const entry = functionEntry({ namespace: `team-${index}`, egress: { allow: [`host-${index}.example`] } });
    const shared = share(arrived(entry));
    assert.deepEqual([shared.namespace, shared.egress], [entry.namespace, entry.egress]);
  }
});

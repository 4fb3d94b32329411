/** Every starting point is a function that serves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { createFunctionCheck } from '../function/check-function.ts';
import { receivers } from '../receivers/catalogue.ts';
import { newFunction, startingPoints } from './starting-points.ts';

test('there is one for every receiver and every kind of trigger, and each holds what the schema asks for', () => {
  const check = createFunctionCheck(receivers);
  const points = startingPoints();
  for (const name of receivers.keys())
    assert.ok(
      points.some(({ key }) => key === `receiver:${name}`),
      name,
    );
  for (const kind of ['http', 'schedule', 'event', 'kubernetes']) {
    assert.ok(
      points.some(({ group, trigger }) => group === 'kind' && trigger === kind),
      kind,
    );
  }
  for (const { key, secret } of points) {
    const made = newFunction(key, 'made-here', undefined);
    assert.ok(made);
    const checked = check(parseDocument(made.yaml).toJS());
    assert.deepEqual(checked.ok ? [] : checked.mistakes, [], key);
    assert.equal(made.secrets.length > 0, secret !== undefined, key);
    assert.equal(
      made.secrets.every(({ value }) => value !== undefined),
      secret?.generated ?? true,
      key,
    );
    assert.ok(
      made.secrets.every(({ name }) => name === 'made-here'),
      key,
    );
  }
});

test('a secret that the sender gave out is taken as it is; one that nobody can make up is left open', () => {
  assert.equal(newFunction('receiver:stripe', 'pay', 'whsec_given')?.secrets[0]?.value, 'whsec_given');
  assert.equal(newFunction('receiver:discord', 'chat', undefined)?.secrets[0]?.value, undefined);
  assert.equal(newFunction('receiver:nobody', 'x', undefined), undefined);
  assert.equal(newFunction('constructor', 'x', undefined), undefined);
});

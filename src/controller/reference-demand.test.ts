import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInput, functionInput, reference } from '../../test/builders/webhook-function.ts';
import type { FunctionInput } from '../routing/build-context.ts';
import { buildRouteTable, type BuildResult } from '../routing/build-route-table.ts';
import { ReferenceDemand } from './reference-demand.ts';

const nobody: readonly string[] = [];
const keyOf = (name: string): string => `Secret/team-a/${name}`;

function user(name: string, secrets: readonly string[]): FunctionInput {
  const env = secrets.map((secret) => ({
    name: secret.toUpperCase(),
    valueFrom: { secretKeyRef: { name: secret, key: 'k' } },
  }));
  return functionInput({ name }, { env });
}

function following(): (...functions: readonly FunctionInput[]) => ReferenceDemand {
  const demand = new ReferenceDemand();
  const { policy } = buildInput([]);
  const references = new Map(['s', 't'].map((name) => reference('Secret', name, { k: 'value' })));
  let previous: BuildResult | undefined;
  return (...functions) => {
    previous = buildRouteTable(buildInput(functions, { policy, references, previous }));
    demand.follow(previous);
    return demand;
  };
}

test('a key is left when its last user lets it go, and told once', () => {
  const follow = following();
  follow(user('a', ['s']), user('b', ['s', 't']));
  let demand = follow(user('a', ['s']), user('b', ['s']));
  assert.deepEqual(demand.leave(nobody), [keyOf('t')]);
  assert.deepEqual(demand.leave(nobody), []);
  demand = follow(user('b', ['s']));
  assert.deepEqual(demand.leave(nobody), [], 'b still names it');
  assert.deepEqual([...demand.usersOf(keyOf('s'))], ['uid-team-a-b']);
  demand = follow();
  assert.deepEqual(demand.leave(nobody), [keyOf('s')]);
  assert.deepEqual([...demand.usersOf(keyOf('s'))], []);
});

test('what waits keeps its keys until a build has taken them over, or it waits no more', () => {
  const follow = following();
  const demand = follow();
  demand.name([keyOf('s')]);
  assert.deepEqual(demand.leave([keyOf('s'), keyOf('t')]), []);
  follow(user('a', ['s']));
  assert.deepEqual(demand.leave(nobody), [keyOf('t')]);
  assert.deepEqual(demand.seenBy('uid-team-a-a'), [keyOf('s')]);
  assert.deepEqual(demand.seenBy('uid-team-a-b'), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOptions } from './place-options.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['behind the verb', 'list --context prod', 'list --context prod'],
  ['before it, with a value', '--context prod list', 'list --context prod'],
  ['before it, with an equals sign', '--context=prod list -A', 'list -A --context=prod'],
  ['several', '-n team-a --kubeconfig f -A kv list orders', 'kv list orders -n team-a --kubeconfig f -A'],
  ['before two dashes', '--context prod invoke a -- -x', 'invoke a --context prod -- -x'],
  ['of the program itself', '--version', '--version'],
  ['that no verb has', '--contex prod list', '--contex prod list'],
  ['behind one that no verb has', '-A --bogus list', '-A --bogus list'],
  ['without a verb', '--context prod', '--context prod'],
  ['without anything', '', ''],
];
for (const [where, typed, wanted] of cases) {
  test(`options ${where}`, () => {
    assert.deepEqual(placeOptions(typed.split(' ')), wanted.split(' '));
  });
}

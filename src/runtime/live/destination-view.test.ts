import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, routeTable } from '../../../test/builders/function-entry.ts';
import type { FunctionEntry } from '../../routing/types.ts';
import { addresseeOf, functionIn, subscriptionIn, whyNotServed } from './destination-view.ts';

/** Counts how often all of it was walked. */
class CountingMap extends Map<string, FunctionEntry> {
  walks = 0;
  override values(): MapIterator<FunctionEntry> {
    this.walks += 1;
    return super.values();
  }
}

const entries = Array.from({ length: 1000 }, (_, index) =>
  functionEntry({ uid: `uid-${index}`, name: `job-${index}`, namespaceUid: `ns-${index % 3}`, triggers: [] }),
);

test('a page of deliveries is named without a walk through all functions for each', () => {
  const functions = new CountingMap(entries.map((entry) => [entry.uid, entry]));
  const table = { version: 1, functions };
  for (const { namespaceUid, name } of entries) {
    const destination = `${namespaceUid}/${name}/handler:default`;
    assert.equal(whyNotServed(table, namespaceUid, addresseeOf(destination)), undefined);
  }
  assert.ok(functions.walks <= 1, `${functions.walks} walks`);
});

test('a function is found by its namespace and name, in the table that is asked', () => {
  const table = routeTable(entries);
  assert.equal(functionIn(table, 'ns-1', 'job-1')?.uid, 'uid-1');
  assert.equal(functionIn(table, 'ns-2', 'job-1'), undefined, 'of another namespace');
  assert.equal(subscriptionIn(table, 'ns-1', 'job-1'), undefined);
  const edited = routeTable([functionEntry({ uid: 'uid-new', name: 'job-1', namespaceUid: 'ns-1' })], 2);
  assert.equal(functionIn(edited, 'ns-1', 'job-1')?.uid, 'uid-new');
  assert.equal(functionIn(table, 'ns-1', 'job-1')?.uid, 'uid-1', 'the table before is as it was');
});

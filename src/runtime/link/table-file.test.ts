import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { functionEntry, routeTable } from '../../../test/builders/function-entry.ts';
import { defaultPolicy } from '../../policy/installation-policy.ts';
import { applyChanges, emptyTable, type TableChange } from '../../routing/diff-tables.ts';
import { createTableFile } from './table-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'moonhook-table-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function tableFile() {
  files += 1;
  const path = join(folder, `table-${files}`);
  let table = emptyTable;
  const troubles: string[] = [];
  const make = () =>
    createTableFile({
      path,
      table: () => table,
      after: () => () => undefined,
      onTrouble: (message) => troubles.push(message),
    });
  const file = make();
  return {
    path,
    file,
    make,
    troubles,
    change(changes: readonly TableChange[], digests: readonly (readonly [string, string])[]) {
      table = applyChanges(table, changes, table.version + 1);
      file.note(changes, new Map(digests));
    },
  };
}

const policy = defaultPolicy('https://hooks.example.com');
const plain = functionEntry({ name: 'plain' });
const keyed = functionEntry({ name: 'keyed', env: { KEY: 'hunter2-hunter2' }, secretEnv: ['KEY'] });

suite('the table file', () => {
  test('holds the table with its digests and policy, but no secret', async () => {
    const { file, make, path, change } = tableFile();
    change(
      [plain, keyed].map((entry) => ({ op: 'set', entry })),
      [
        [plain.uid, 'f1'],
        [keyed.uid, 'f2'],
      ],
    );
    file.notePolicy(policy);
    file.whole(7);
    await file.flush();
    assert.ok(!readFileSync(path, 'utf8').includes('hunter2'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const stored = await make().read();
    assert.equal(stored?.epoch, 7);
    assert.deepEqual(stored?.policy, policy);
    assert.deepEqual(stored?.held, [[plain.uid, 'f1']], 'what lacks its secret must be sent again');
    assert.equal(stored?.changes.length, 2);
  });

  test('changes are added at its end; the last one of a function counts, a line that was cut off does not', async () => {
    const { file, make, path, change } = tableFile();
    change([{ op: 'set', entry: plain }], [[plain.uid, 'f1']]);
    file.notePolicy(policy);
    file.whole(1);
    await file.flush();
    const size = statSync(path).size;
    const edited = { ...plain, revision: 'edited' };
    const gone = functionEntry({ name: 'gone' });
    change(
      [
        { op: 'set', entry: edited },
        { op: 'set', entry: gone },
      ],
      [
        [plain.uid, 'f2'],
        [gone.uid, 'f3'],
      ],
    );
    change([{ op: 'delete', uid: gone.uid }], []);
    await file.flush();
    assert.ok(statSync(path).size > size);
    appendFileSync(path, '{"op":"set","entry":{"v":1,"uid":"half');
    const stored = await make().read();
    assert.deepEqual(stored?.changes, [{ op: 'set', entry: edited }]);
    assert.deepEqual(stored?.held, [[plain.uid, 'f2']]);
  });

  test('there is no file before the table is whole, and none that another program wrote is read', async () => {
    const { file, make, path, change, troubles } = tableFile();
    change([{ op: 'set', entry: plain }], []);
    await file.flush();
    assert.equal(await make().read(), undefined);
    assert.deepEqual(troubles, []);
    appendFileSync(path, '{"format":99,"epoch":1}\n');
    assert.equal(await make().read(), undefined);
    assert.equal(routeTable([plain]).functions.size, 1);
  });
});

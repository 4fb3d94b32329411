import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { createTurns, type TurnStep } from './run-turn.ts';
import { createJournal } from './sqlite-journal.ts';
import { createSavepoint } from './sqlite-operations.ts';

function open(t: TestContext) {
  const database = new DatabaseSync(':memory:');
  t.after(() => database.close());
  database.exec('CREATE TABLE kept (name TEXT PRIMARY KEY); BEGIN');
  const insert = database.prepare('INSERT INTO kept (name) VALUES (?)');
  const ran: string[] = [];
  const step = (name: string, shared = true, fails = false): TurnStep => ({
    shared,
    run() {
      ran.push(name);
      insert.run(name);
      if (fails) throw new Error(name);
      return name;
    },
  });
  const runTurn = createTurns({
    inSavepoint: createSavepoint(database, createJournal(), 'item'),
    isOpen: () => database.isTransaction,
  });
  const kept = (): unknown => database.prepare('SELECT group_concat(name) AS names FROM kept').get()?.['names'];
  return { database, step, runTurn, ran, kept };
}

describe('a turn', () => {
  test('of appends runs each once and answers in order', (t) => {
    const { step, runTurn, ran, kept } = open(t);
    assert.deepEqual(runTurn([step('a'), step('b'), step('c')]), [{ value: 'a' }, { value: 'b' }, { value: 'c' }]);
    assert.deepEqual(ran, ['a', 'b', 'c']);
    assert.equal(kept(), 'a,b,c');
  });

  test('undoes a step that fails alone, and nothing of its neighbours', (t) => {
    const { step, runTurn, kept } = open(t);
    const outcomes = runTurn([step('a'), step('b', true, true), step('c'), step('settle', false), step('d')]);
    assert.deepEqual(
      outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : outcome.value)),
      ['a', 'b', 'c', 'settle', 'd'],
    );
    assert.ok('error' in (outcomes[1] ?? {}));
    assert.equal(kept(), 'a,c,settle,d');
  });

  test('runs what may not be repeated once, whatever fails beside it', (t) => {
    const { step, runTurn, ran } = open(t);
    runTurn([step('lease', false), step('a'), step('b', true, true), step('release', false, true)]);
    assert.equal(ran.filter((name) => name === 'lease' || name === 'release').length, 2);
  });

  test('after a failure lets appends run alone for a while: who fails on and on makes nobody run twice', (t) => {
    const { step, runTurn, ran } = open(t);
    runTurn([step('a'), step('bad', true, true)]);
    ran.length = 0;
    runTurn([step('b'), step('bad', true, true), step('c')]);
    assert.deepEqual(ran, ['b', 'bad', 'c']);
  });

  test('ends with the transaction', (t) => {
    const { database, step, runTurn } = open(t);
    const lost: TurnStep = {
      shared: true,
      run() {
        database.exec('ROLLBACK');
        throw new Error('disk full');
      },
    };
    assert.throws(() => runTurn([step('a'), lost]), /disk full/);
  });
});

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { createTurns, type TurnStep } from './run-turn.ts';
import { createJournal } from './sqlite-journal.ts';
import { createSavepoint } from './sqlite-operations.ts';

function open(t: TestContext, completeTogether: () => void = () => undefined) {
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
    completeTogether,
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

  test('looks for the one that fails by halves, and the next turn is as before', (t) => {
    const { step, runTurn, ran, kept } = open(t);
    const names = Array.from({ length: 64 }, (_, index) => `n${index}`);
    const outcomes = runTurn(names.map((name) => step(name, true, name === 'n37')));
    assert.deepEqual(
      outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : outcome.value)),
      names,
    );
    assert.equal(kept(), names.filter((name) => name !== 'n37').join(','));
    assert.ok(ran.length < 3 * names.length, `${ran.length} runs`);
    ran.length = 0;
    runTurn([step('a'), step('b')]);
    assert.deepEqual(ran, ['a', 'b']);
  });

  test('after many failures lets appends run alone for a while: who fails on and on makes nobody run twice', (t) => {
    const { step, runTurn, ran } = open(t);
    const bad = (index: number): TurnStep => step(`bad ${index}`, true, true);
    runTurn([step('a'), bad(1), bad(2), bad(3), bad(4), step('b')]);
    ran.length = 0;
    runTurn([step('c'), bad(5), step('d')]);
    assert.deepEqual(ran, ['c', 'bad 5', 'd']);
  });

  test('does not run what is sure to be refused, and runs its neighbours once, however many those are', (t) => {
    const { step, runTurn, ran, kept } = open(t);
    const refused = (name: string): TurnStep => ({ ...step(name), refusal: () => new Error(name) });
    const names = (of: string): string[] => Array.from({ length: 8 }, (_, index) => `${of}${index}`);
    const outcomes = runTurn(names('n').flatMap((name) => [step(name), refused(`no ${name}`)]));
    assert.deepEqual(
      outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : outcome.value)),
      names('n').flatMap((name) => [name, `no ${name}`]),
    );
    assert.deepEqual([ran, kept()], [names('n'), names('n').join(',')]);
    ran.length = 0;
    runTurn([step('a'), refused('no'), step('fails', true, true), step('b')]);
    assert.equal(ran[0] === 'a' && ran.includes('no'), false, 'nor beside one that fails');
    assert.equal(ran.filter((name) => name === 'a').length, 2, 'control: those are together still');
  });

  test('completes what ran together before it is kept: where that fails, each runs alone', (t) => {
    let completed = 0;
    const { step, runTurn, ran, kept } = open(t, () => {
      completed += 1;
      if (completed === 2) throw new Error('not now');
    });
    runTurn([step('a'), step('b'), step('settle', false)]);
    assert.equal(completed, 1);
    ran.length = 0;
    assert.deepEqual(runTurn([step('c'), step('d')]), [{ value: 'c' }, { value: 'd' }]);
    assert.deepEqual(ran, ['c', 'd', 'c', 'd']);
    assert.equal(kept(), 'a,b,settle,c,d');
  });

  test('counts those that only fail together, too: they run alone after a while', (t) => {
    let completed = 0;
    const { step, runTurn, ran } = open(t, () => {
      completed += 1;
      throw new Error('not together');
    });
    const outcomes = runTurn(Array.from({ length: 8 }, (_, index) => step(`n${index}`)));
    assert.ok(outcomes.every((outcome) => 'value' in outcome));
    const tries = completed;
    ran.length = 0;
    runTurn([step('a'), step('b'), step('c')]);
    assert.deepEqual([ran, completed], [['a', 'b', 'c'], tries]);
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

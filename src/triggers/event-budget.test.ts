import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BudgetSplit, readBudget, rootBudget, shareBudget } from './event-budget.ts';

test('children share a budget; an only child has all of it', () => {
  assert.equal(shareBudget(rootBudget, 1), rootBudget);
  assert.equal(shareBudget(rootBudget, 3), 3333);
  assert.equal(shareBudget(2, 3), 0);
  assert.equal(shareBudget(5, 0), 5);
});

test('shares given one after the other never sum up to more than the budget, and thousands get one', () => {
  for (const budget of [0, 1, 2, 3, 100, rootBudget]) {
    const split = new BudgetSplit(budget);
    const shares: number[] = [];
    for (let share = split.take(); share !== undefined; share = split.take()) shares.push(share);
    assert.equal(shares.length, Math.ceil(budget / 2));
    assert.ok(shares.reduce((sum, share) => sum + share, 0) <= budget);
    assert.ok(shares.every((share) => share >= 1));
  }
  assert.equal(new BudgetSplit(rootBudget).take(), 2501, 'the first has room for a fan-out of its own');
});

test('a storm in which each event sets off ten more comes to its end within the budget', () => {
  let events = 0;
  let generation = [rootBudget];
  while (generation.length > 0) {
    events += generation.length;
    generation = generation.flatMap((budget) => {
      const children = Math.min(10, budget);
      return Array.from({ length: children }, () => shareBudget(budget, children));
    });
    generation = generation.filter((budget) => budget > 0);
    if (generation.every((budget) => budget === 1)) break;
  }
  assert.ok(events <= 2 * rootBudget, String(events));
});

test('a budget from outside is a whole number and never more than that of a root', () => {
  assert.equal(readBudget('17'), 17);
  assert.equal(readBudget('0'), 0);
  assert.equal(readBudget('999999999'), rootBudget);
  for (const text of ['', '-1', '1.5', '1e9', '9999999999', ' 1']) assert.equal(readBudget(text), undefined, text);
});

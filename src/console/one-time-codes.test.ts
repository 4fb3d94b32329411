import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOneTimeCodes } from './one-time-codes.ts';

test('a code opens once, within a minute', () => {
  let time = 0;
  const codes = createOneTimeCodes(() => time);
  const code = codes.issue();
  assert.equal(codes.spend('x'), false);
  assert.equal(codes.spend(code), true);
  assert.equal(codes.spend(code), false);
  const late = codes.issue();
  time = 60_001;
  assert.equal(codes.spend(late), false);
});

test('whoever asks for many loses the oldest', () => {
  const codes = createOneTimeCodes(() => 0);
  const first = codes.issue();
  const rest = Array.from({ length: 16 }, () => codes.issue());
  assert.equal(codes.spend(first), false);
  assert.ok(rest.every((code) => codes.spend(code)));
});

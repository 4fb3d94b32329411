import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placedMessage } from './placed-message.ts';

test('the place stands before the message once, whoever put it there', () => {
  assert.equal(placedMessage({ message: 'boom' }), 'boom');
  assert.equal(placedMessage({ message: 'boom', file: 'a.yaml' }), 'a.yaml: boom');
  assert.equal(placedMessage({ message: 'boom', file: 'a.yaml', line: 7 }), 'a.yaml:7: boom');
  assert.equal(placedMessage({ message: 'a.yaml:7: boom', file: 'a.yaml', line: 7 }), 'a.yaml:7: boom');
});

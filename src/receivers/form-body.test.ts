import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxFormFields, readFormFields, sortedFormText } from './form-body.ts';

test('empty pairs are left out, wherever they stand', () => {
  const form = Buffer.from('&&b=2&&a=1&c&');
  assert.deepEqual(readFormFields(form), [
    ['b', '2'],
    ['a', '1'],
    ['c', ''],
  ]);
  assert.equal(sortedFormText(form), 'a1b2c');
  assert.equal(sortedFormText(Buffer.from('&')), '');
});

test('no more is searched for than a form may have fields, whatever the body is made of', (t) => {
  const searched = t.mock.method(Buffer.prototype, 'indexOf');
  assert.deepEqual(readFormFields(Buffer.from('&'.repeat(1_000_000))), []);
  assert.equal(searched.mock.callCount(), 0);
  assert.equal(readFormFields(Buffer.from('a&'.repeat(500_000))), undefined);
  assert.equal(searched.mock.callCount(), maxFormFields);
});

/** The table of answers for outgoing requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswerTable, fits } from './try-answers.ts';

test('a star stands for any characters, and nothing else does', () => {
  assert.ok(fits('https://api.example.com/*', 'https://api.example.com/a/b?c'));
  assert.ok(fits('*', 'https://x.example/'));
  assert.ok(fits('https://*.example.com/a*z', 'https://x.example.com/a-z'));
  assert.ok(fits('https://api.example.com', 'https://api.example.com/'));
  assert.ok(!fits('https://api.example.com', 'https://api.example.com/a'));
  assert.ok(!fits('https://api.example.com/*a', 'https://api.example.com/b'));
  assert.ok(!fits('ab*ba', 'aba'));
  assert.ok(!fits('https://a.example/.', 'https://a.example/x'));
  // A pattern of many stars takes no longer than its text.
  assert.ok(!fits('*a'.repeat(5_000), 'a'.repeat(4_999)));
});

test('the first answer that fits is given, and a request without one is told as not sent', () => {
  const table = createAnswerTable([
    { method: 'POST', url: 'https://a.example/*', status: 201, headers: [['x-a', '1']], body: 'made' },
    { method: '', url: 'https://a.example/*', status: 404, headers: [], body: '' },
  ]);
  const ask = (method: string, url: string): ReturnType<typeof table.answer> =>
    table.answer({ method, url, headers: [['a', 'b']], body: Buffer.from('sent') });
  const made = ask('POST', 'https://a.example/x');
  assert.ok(made.ok && made.status === 201 && Buffer.from(made.body).toString() === 'made');
  const other = ask('GET', 'https://a.example/x');
  assert.ok(other.ok && other.status === 404);
  const none = ask('GET', 'https://b.example/');
  assert.match(
    none.ok ? '' : none.message,
    /nothing was sent: no answer of the table is for GET https:\/\/b\.example\//,
  );
  assert.deepEqual(
    table.asked.map(({ answeredBy, body }) => [answeredBy, body]),
    [
      [0, 'sent'],
      [1, 'sent'],
      [undefined, 'sent'],
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toAttemptResult, type AttemptEnd, type AttemptResult } from './attempt-result.ts';
import type { PlainKey, PlainValue } from './plain-value.ts';

const table = (fields: Readonly<Record<string, PlainValue>>): ReadonlyMap<PlainKey, PlainValue> =>
  new Map(Object.entries(fields));
const returned = (...values: readonly PlainValue[]): AttemptEnd => ({ kind: 'ok', values });
const raised = (message: string, value?: PlainValue): AttemptEnd => ({ kind: 'error', error: { message, value } });

const cases: readonly (readonly [name: string, end: AttemptEnd, expected: AttemptResult])[] = [
  ['nothing is done', returned(), { kind: 'done' }],
  ['a value is done', returned('ok'), { kind: 'done' }],
  ['true is done', returned(true), { kind: 'done' }],
  ['data with a text as status is done', returned(table({ status: 'failed', id: 1 })), { kind: 'done' }],
  ['exit is done', { kind: 'exit' }, { kind: 'done' }],
  ['status 200 is done', returned(200), { kind: 'done' }],
  ['status 302 is done', returned(table({ status: 302 })), { kind: 'done' }],
  ['status 503 is tried again', returned(503, 'down'), { kind: 'again', error: 'the handler answered 503' }],
  ['status 408 is tried again', returned(408), { kind: 'again', error: 'the handler answered 408' }],
  ['status 425 is tried again', returned(425), { kind: 'again', error: 'the handler answered 425' }],
  [
    'status 429 brings its Retry-After',
    returned(table({ status: 429, headers: table({ 'Retry-After': '30' }) })),
    { kind: 'again', error: 'the handler answered 429', retryAfterMs: 30_000 },
  ],
  ['status 404 is dead', returned(404), { kind: 'dead', reason: 'StatusRefused', error: 'the handler answered 404' }],
  ['an error is tried again', raised('boom'), { kind: 'again', error: 'boom' }],
  [
    'fail is dead',
    raised('no such customer', table({ message: 'no such customer', permanent: true })),
    { kind: 'dead', reason: 'Failed', error: 'no such customer' },
  ],
  [
    'retry_after says when',
    raised('later', table({ message: 'later', retry_after: 1.5 })),
    { kind: 'again', error: 'later', retryAfterMs: 1500 },
  ],
  [
    'an error of http brings its wait',
    raised('GET x answered 503', table({ status: 503, retry_after: 9 })),
    { kind: 'again', error: 'GET x answered 503', retryAfterMs: 9000 },
  ],
  [
    'nil and an error is that error',
    returned(undefined, table({ message: 'refused', retry_after: 2 })),
    { kind: 'again', error: 'refused', retryAfterMs: 2000 },
  ],
  [
    'a timeout is tried again',
    { kind: 'timeout', error: { message: 'over 10 s' } },
    { kind: 'again', error: 'over 10 s' },
  ],
  ['a nonsense wait is left to the schedule', raised('x', table({ retry_after: -1 })), { kind: 'again', error: 'x' }],
  [
    'an infinite wait is left to the schedule',
    raised('x', table({ retry_after: Number.POSITIVE_INFINITY })),
    { kind: 'again', error: 'x' },
  ],
];

for (const [name, end, expected] of cases) {
  test(`an attempt: ${name}`, () => assert.deepEqual(toAttemptResult(end), expected));
}

test('a status beside data is an error that says so, never a silent end', () => {
  const result = toAttemptResult(returned(table({ status: 404, message: 'x' })));
  assert.ok(result.kind === 'again' && /status = 404 beside/.test(result.error));
});

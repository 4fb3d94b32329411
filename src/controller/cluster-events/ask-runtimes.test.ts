import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../link/exchange.ts';
import type { AppendQuestion } from '../../link/append-messages.ts';
import type { LinkedRuntime } from '../types.ts';
import { createAskRuntimes } from './ask-runtimes.ts';

const runtime = (podUid: string, serves: boolean, more: Partial<LinkedRuntime> = {}): LinkedRuntime => ({
  runtime: podUid,
  podUid,
  group: 'default',
  connected: true,
  ready: true,
  acknowledgements: new Map(serves ? [['f', { uid: 'f', revision: 'r', accepted: true }]] : []),
  ...more,
});
const commit: AppendQuestion = { op: 'commit', function: 'f', trigger: 't', term: 1 };
const done: Answer = { ok: true, body: { kind: 'done', events: 0 } };
const { signal } = new AbortController();

function linksOf(runtimes: readonly LinkedRuntime[], answers: Readonly<Record<string, Answer>>) {
  const asked: string[] = [];
  const ask = createAskRuntimes({
    runtimes: () => runtimes,
    async ask(podUid) {
      asked.push(podUid);
      return answers[podUid] ?? done;
    },
  });
  return { ask, asked };
}

test('only a linked runtime that serves the function is asked', async () => {
  const away = runtime('away', true, { connected: false });
  const { ask, asked } = linksOf([away, runtime('other', false), runtime('serves', true)], {});
  assert.equal((await ask(commit, signal)).kind, 'answered');
  assert.deepEqual(asked, ['serves']);
  const nobody = linksOf([away, runtime('other', false)], {});
  assert.equal((await nobody.ask(commit, signal)).kind, 'nobody');
  assert.deepEqual(nobody.asked, []);
});

test('one that cannot answer gives way to the next; an uncertain answer does not', async () => {
  const both = [runtime('a', true), runtime('b', true)];
  const refusing: Answer = { ok: true, body: { kind: 'notServed', message: 'not yet' } };
  const passing = linksOf(both, { a: refusing, b: refusing });
  assert.deepEqual(await passing.ask(commit, signal), { kind: 'nobody', message: 'not yet' });
  assert.equal(passing.asked.length, 2);
  const broken: Answer = { ok: false, code: 'Away', message: 'the link broke' };
  const uncertain = linksOf(both, { a: broken, b: broken });
  assert.equal((await uncertain.ask(commit, signal)).kind, 'uncertain');
  assert.equal(uncertain.asked.length, 1, 'it may have been done');
  const strange = linksOf(both, { a: { ok: true, body: 'what?' }, b: { ok: true, body: 'what?' } });
  assert.equal((await strange.ask(commit, signal)).kind, 'uncertain');
});

test('what is gone is forgotten by any runtime of its group', async () => {
  const foreign = runtime('foreign', false, { group: 'other' });
  const { ask, asked } = linksOf([foreign, runtime('own', false)], {});
  const forget = { op: 'forget', function: 'f', trigger: 't', namespaceUid: 'n', group: 'default' } as const;
  assert.equal((await ask(forget, signal)).kind, 'answered');
  assert.deepEqual(asked, ['own']);
});

test('a runtime cannot smuggle paths or selectors into what is asked of the API server', async () => {
  for (const name of ['..', 'a/b', 'a,metadata.namespace=b', '']) {
    const rows = [{ uid: 'u', version: '1', name, expressions: 'x' }];
    const { ask } = linksOf([runtime('a', true)], { a: { ok: true, body: { kind: 'rows', rows } } });
    assert.equal((await ask({ ...commit, op: 'rows', after: '' }, signal)).kind, 'uncertain', name);
  }
  const rows = [{ uid: 'u', version: '1', name: 'system:node', expressions: 'x' }];
  const { ask } = linksOf([runtime('a', true)], { a: { ok: true, body: { kind: 'rows', rows } } });
  assert.equal((await ask({ ...commit, op: 'rows', after: '' }, signal)).kind, 'answered', 'the control');
});

test('counts are numbers and messages texts of some length, whatever a runtime says', async () => {
  const kindOf = async (body: unknown): Promise<string> => {
    const { ask } = linksOf([runtime('a', true)], { a: { ok: true, body } });
    return (await ask(commit, signal)).kind;
  };
  assert.equal(await kindOf({ kind: 'done', events: '7' }), 'uncertain');
  assert.equal(await kindOf({ kind: 'full', message: { toString: 1 } }), 'uncertain');
  assert.equal(await kindOf({ kind: 'full', message: 'x'.repeat(1_000_000) }), 'uncertain');
  assert.equal(await kindOf({ kind: 'full', message: 'no room' }), 'answered', 'the control');
});

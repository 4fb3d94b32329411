import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readCallTarget } from './match-call.ts';

suite('readCallTarget', () => {
  test('reads both forms of a function, now and later', () => {
    const target = { kind: 'function', namespace: 'team-a', name: 'deploy', asynchronous: false, rest: '/' };
    assert.deepEqual(readCallTarget('/function/team-a/deploy'), target);
    assert.deepEqual(readCallTarget('/function/deploy.team-a'), target);
    assert.deepEqual(readCallTarget('/async-function/team-a/deploy'), { ...target, asynchronous: true });
    assert.deepEqual(readCallTarget('/function/team-a/deploy/a/b'), { ...target, rest: '/a/b' });
    assert.deepEqual(readCallTarget('/function/a.b.team-a'), { ...target, name: 'a.b' });
  });

  test('reads the bus of a namespace', () => {
    assert.deepEqual(readCallTarget('/events/team-a'), { kind: 'events', namespace: 'team-a' });
    assert.equal(readCallTarget('/events/team-a/more'), undefined);
  });

  test('knows nothing else', () => {
    const wrong = [
      '/',
      '/function',
      '/function/',
      '/function/a',
      '/function/A/b',
      '/function/a/..',
      '/other/a/b',
      '/function//b',
      '/events/',
    ];
    for (const path of wrong) assert.equal(readCallTarget(path), undefined, path);
  });
});

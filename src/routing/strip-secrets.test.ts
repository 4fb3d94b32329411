import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { anyEntry } from '../../test/builders/arbitrary-entry.ts';
import { functionEntry, httpTriggerEntry, scheduleTriggerEntry } from '../../test/builders/function-entry.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import { closeFunction, stripFunction, stripSubscription } from './strip-secrets.ts';
import { encodeEntry, encodeSubscription } from './wire-format.ts';

const secret = Buffer.from('hunter2-hunter2-hunter2').toString('base64');

suite('stripFunction', () => {
  test('leaves an entry without secrets as it is', () => {
    const entry = functionEntry({ env: { MODE: 'live' }, triggers: [httpTriggerEntry(), scheduleTriggerEntry()] });
    assert.deepEqual(stripFunction(entry), { entry, complete: true });
  });

  test('takes every secret value away, and closes exactly what needed one', () => {
    const entry = functionEntry({
      env: { MODE: 'live', KEY: secret },
      secretEnv: ['KEY'],
      callback: { urls: ['example.com'], secrets: [secret] },
      triggers: [
        httpTriggerEntry({ receiver: { name: 'github', fields: {}, secrets: [secret], namedSecrets: { a: secret } } }),
        httpTriggerEntry({ name: 'open' }),
        httpTriggerEntry({ name: 'calling', callback: { urls: ['example.com'], secrets: [secret] } }),
      ],
    });
    const { entry: stripped, complete } = stripFunction(entry);
    assert.ok(!complete);
    assert.ok(encodeEntry(entry).includes(secret));
    assert.ok(!encodeEntry(stripped).includes(secret));
    assert.equal(stripped.unresolved?.reason, 'ControllerAway');
    assert.deepEqual(stripped.env, { MODE: 'live' });
    assert.deepEqual(
      stripped.triggers.map(({ unresolved }) => unresolved?.reason),
      ['ControllerAway', undefined, undefined],
    );
    assert.notEqual(stripped.revision, entry.revision);
    assert.deepEqual(stripped.callback, { urls: ['example.com'], secrets: [] });
  });

  test('no secret value of any entry is left', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const { entry: stripped } = stripFunction(entry);
        for (const name of entry.secretEnv) assert.ok(!(name in stripped.env) || !Object.hasOwn(stripped.env, name));
        for (const trigger of stripped.triggers) {
          if (trigger.kind !== 'http') continue;
          assert.deepEqual(trigger.receiver.secrets, []);
          assert.equal(trigger.receiver.namedSecrets, undefined);
          assert.deepEqual(trigger.callback?.secrets ?? [], []);
        }
        assert.deepEqual(stripped.callback?.secrets ?? [], []);
      }),
    );
  });
});

test('stripSubscription takes URL, headers and keys that are secret, and holds its events', () => {
  const entry: SubscriptionEntry = {
    uid: 'uid-sub',
    namespace: 'team-a',
    namespaceUid: 'uid-team-a',
    name: 'sub',
    group: 'default',
    generation: 1,
    revision: '1',
    url: `https://example.com/${secret}`,
    urlSecret: true,
    events: ['order.created'],
    secrets: [secret],
    format: 'standardWebhooks',
    headers: [
      { name: 'x-key', value: secret, secret: true },
      { name: 'x-plain', value: 'plain', secret: false },
    ],
    retryScheduleMs: [1000],
    timeoutMs: 1000,
    concurrency: 1,
    suspended: false,
  };
  const { entry: stripped, complete } = stripSubscription(entry);
  assert.ok(!complete && !encodeSubscription(stripped).includes(secret));
  assert.equal(stripped.unresolved?.reason, 'ControllerAway');
  assert.deepEqual(stripped.headers, [{ name: 'x-plain', value: 'plain', secret: false }]);
});

test('closeFunction leaves nothing that answers, and takes nothing away that waits', () => {
  const why = { reason: 'UnsupportedRuntime', message: 'upgrade' };
  const closed = closeFunction(
    functionEntry({ triggers: [httpTriggerEntry({ mode: 'async' }), scheduleTriggerEntry()] }),
    'next',
    why,
  );
  assert.equal(closed.revision, 'next');
  assert.deepEqual([closed.unresolved, ...closed.triggers.map((each) => each.unresolved)], [why, why, undefined]);
});

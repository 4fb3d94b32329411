import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { leastMs } from '../../test/builders/least-time.ts';
import { duplicateKey } from './duplicate-key.ts';
import { coversEvent, decideEvent } from './event-filter.ts';

describe('the events of a trigger', () => {
  test('cover a name, what is below it, and what a star stands for', () => {
    for (const [pattern, name, covered] of [
      ['push', 'push', true],
      ['push', 'pushed', false],
      ['pull_request', 'pull_request.opened', true],
      ['pull_request', 'pull_request_review.submitted', false],
      ['pull_request.opened', 'pull_request', false],
      ['pull_request.*', 'pull_request.opened', true],
      ['pull_request.*', 'pull_request', false],
      ['invoice.*', 'invoice.payment.failed', true],
      ['*', 'anything.at.all', true],
      ['*.deleted', 'customer.subscription.deleted', true],
      ['a*b*c', 'a1b2c', true],
      ['a*b*c', 'acb', false],
      ['ab*ba', 'aba', false],
      ['', 'push', false],
      ['Push', 'push', false],
    ] as const) {
      assert.equal(coversEvent(pattern, name), covered, `${pattern} and ${name}`);
    }
  });

  test('are matched as a regular expression would, in linear time', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        if (!pattern.includes('*') || name.includes('*')) return;
        const source = pattern.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*');
        assert.equal(coversEvent(pattern, name), new RegExp(`^${source}$`).test(name), `${pattern} and ${name}`);
      }),
      { numRuns: 2000 },
    );
    const hard = (): boolean => coversEvent(`${'*a'.repeat(120)}b`, 'a'.repeat(128));
    assert.equal(hard(), false);
    assert.ok((await leastMs(20, hard)) < 20);
  });

  test('decide: listed runs, a test of the connection is the host’s, the rest is filtered', () => {
    const profile = { handshakeEvents: ['ping'] };
    assert.equal(decideEvent(profile, undefined, 'push'), 'run');
    assert.equal(decideEvent(profile, [], 'push'), 'run');
    assert.equal(decideEvent(profile, ['issues'], 'push'), 'filtered');
    assert.equal(decideEvent(profile, ['issues'], 'ping'), 'handshake');
    assert.equal(decideEvent(profile, ['*'], 'ping'), 'run');
    assert.equal(decideEvent({}, undefined, 'ping'), 'run');
  });
});

describe('the duplicate key', () => {
  const body = Buffer.from('{}');
  test('is the id alone only where the signature covers it', () => {
    const signed = { deliveryId: 'd1', idSigned: true };
    const unsigned = { deliveryId: 'd1', idSigned: false };
    const by = { duplicateBy: 'id' } as const;
    assert.equal(duplicateKey(by, signed, body), duplicateKey(by, signed, Buffer.from('other')));
    assert.notEqual(duplicateKey(by, unsigned, body), duplicateKey(by, unsigned, Buffer.from('other')));
    assert.equal(duplicateKey(by, unsigned, body), duplicateKey(by, unsigned, Buffer.from('{}')));
    assert.notEqual(duplicateKey(by, unsigned, body), duplicateKey(by, { ...unsigned, deliveryId: 'd2' }, body));
    assert.equal(duplicateKey(by, { idSigned: false }, body), undefined);
  });

  test('is the body for senders without an id, and absent where there are no duplicates', () => {
    const none = { idSigned: false };
    assert.equal(
      duplicateKey({ duplicateBy: 'body' }, none, body),
      duplicateKey({ duplicateBy: 'body' }, none, Buffer.from('{}')),
    );
    assert.equal(duplicateKey({ duplicateBy: 'none' }, { deliveryId: 'd', idSigned: true }, body), undefined);
  });
});

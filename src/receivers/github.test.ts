import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { sign, verify, verifyWithFallback } from '@octokit/webhooks-methods';
import * as fc from 'fast-check';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { sampleTools } from '../../test/builders/sample-receiver.ts';
import { decodeBody } from './decode-body.ts';
import { decideEvent } from './event-filter.ts';
import { github } from './github.ts';
import { mediaType } from './read-header.ts';
import type { Identified, PreparedReceiver, RawRequest, Verdict } from './types.ts';

const secret = 'a secret of more than sixteen bytes';
const secrets = secretsOf(secret);

function prepare(fields: Readonly<Record<string, unknown>> = {}): PreparedReceiver {
  const result = github.prepare(fields);
  assert.ok(result.ok);
  return result.receiver;
}

const receiver = prepare();

function judge(request: RawRequest, by = receiver): Verdict {
  const verdict = by.verify(request, secrets, sampleTools);
  assert.ok(!(verdict instanceof Promise));
  return verdict;
}

function identify(request: RawRequest): Identified {
  const verdict = judge(request);
  assert.equal(verdict.verdict, 'verified', JSON.stringify(verdict));
  return receiver.identify(request, verdict);
}

function delivery(body: string, headers: Readonly<Record<string, string>> = {}): RawRequest {
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  return rawRequest({
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${digest}`,
      ...headers,
    },
    body,
  });
}

describe('beside octokit', () => {
  test('what octokit signs passes here, and what is signed here passes there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'binary' }), async (body) => {
        const theirs = await sign(secret, body);
        const request = rawRequest({ headers: { 'x-hub-signature-256': theirs }, body });
        assert.equal(judge(request).verdict, 'verified');
        const ours = github.sign('push', Buffer.from(body), 'https://h/x', {}, secrets, sampleTools);
        assert.equal(ours.headers['x-hub-signature-256'], theirs);
        assert.ok(await verify(secret, body, ours.headers['x-hub-signature-256'] ?? ''));
      }),
      { numRuns: 100 },
    );
  });

  test('both take the second secret of a rotation and refuse a third', async () => {
    const signature = await sign('the old secret of this hook', 'x');
    const request = rawRequest({ headers: { 'x-hub-signature-256': signature }, body: 'x' });
    const both = secretsOf(secret, 'the old secret of this hook');
    assert.ok(await verifyWithFallback(secret, 'x', signature, ['the old secret of this hook']));
    assert.equal((await receiver.verify(request, both, sampleTools)).verdict, 'verified');
    assert.ok(!(await verifyWithFallback(secret, 'x', signature, ['another'])));
    assert.equal((await receiver.verify(request, secretsOf(secret, 'another'), sampleTools)).verdict, 'refused');
  });
});

describe('an event', () => {
  test('is named by header and action, with the repository as its source', () => {
    const identified = identify(
      delivery('{"action":"opened","issue":{"action":"no"},"repository":{"html_url":"https://github.com/o/r"}}'),
    );
    assert.deepEqual(identified, {
      name: 'issues.opened',
      type: 'com.github.issues.opened',
      source: 'https://github.com/o/r',
      deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      idSigned: false,
    });
    assert.equal(
      identify(delivery('{"ref":"refs/heads/main","x":{"action":"no"}}', { 'x-github-event': 'push' })).name,
      'push',
    );
  });

  test('sent as a form is verified on the form and read from its payload', () => {
    const json = '{"action":"opened","title":"a & b + c"}';
    const body = `payload=${encodeURIComponent(json).replaceAll('%20', '+')}`;
    const request = delivery(body, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' });
    const identified = identify(request);
    assert.equal(identified.name, 'issues.opened');
    assert.equal(identified.formField, 'payload');
    const decoded = decodeBody(mediaType(request), request.body, identified.formField);
    assert.deepEqual(decoded, { kind: 'json', value: { action: 'opened', title: 'a & b + c' } });
  });

  test('with a name of another kind becomes a harmless word', () => {
    const name = identify(delivery('{"action":"\\u001b[31m"}', { 'x-github-event': 'pu\u0000sh "x"' })).name;
    assert.equal(name, 'pu_sh__x_._[31m'.replace('[', '_'));
    assert.equal(identify(delivery('{}', { 'x-github-delivery': 'a b' })).deliveryId, undefined);
    assert.equal(identify(delivery('not json')).name, 'issues');
  });

  test('ping is the host’s to answer, unless the trigger asks for it', () => {
    const ping = identify(delivery('{"zen":"Keep it logically awesome.","hook_id":1}', { 'x-github-event': 'ping' }));
    assert.equal(decideEvent(receiver.profile, undefined, ping.name), 'handshake');
    assert.equal(decideEvent(receiver.profile, ['push'], ping.name), 'handshake');
    assert.equal(decideEvent(receiver.profile, ['push', 'ping'], ping.name), 'run');
  });
});

describe('the retired SHA-1 signature', () => {
  const sha1 = `sha1=${createHmac('sha1', secret).update('{}').digest('hex')}`;
  const alone = rawRequest({ headers: { 'x-hub-signature': sha1 }, body: '{}' });

  test('proves nothing by itself', () => {
    const verdict = judge(alone);
    assert.ok(verdict.verdict === 'refused' && verdict.reason === 'SignatureMissing');
  });

  test('passes alone only where the trigger says so, with a warning', () => {
    const old = prepare({ acceptSha1: true });
    assert.equal(judge(alone, old).verdict, 'verified');
    assert.equal(old.warnings.length, 1);
    assert.deepEqual(receiver.warnings, []);
  });

  test('is not looked at beside a SHA-256 signature, right or wrong', () => {
    const old = prepare({ acceptSha1: true });
    const wrong = rawRequest({
      headers: { 'x-hub-signature': sha1, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
      body: '{}',
    });
    assert.equal(judge(wrong, old).verdict, 'refused');
    const right = delivery('{}', { 'x-hub-signature': 'sha1=nonsense' });
    assert.equal(judge(right, old).verdict, 'verified');
  });

  test('does not pass in the header of the other, nor the other way round', () => {
    const old = prepare({ acceptSha1: true });
    assert.equal(judge(rawRequest({ headers: { 'x-hub-signature-256': sha1 }, body: '{}' }), old).verdict, 'refused');
    const sha256 = `sha256=${createHmac('sha256', secret).update('{}').digest('hex')}`;
    assert.equal(judge(rawRequest({ headers: { 'x-hub-signature': sha256 }, body: '{}' }), old).verdict, 'refused');
  });
});

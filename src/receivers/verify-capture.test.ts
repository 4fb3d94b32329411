import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { secretsOf } from '../../test/builders/raw-request.ts';
import { verifyCapture, type CaptureVerdict, type ReceiverChoice } from './verify-capture.ts';

const secret = 'a secret of more than sixteen bytes';
const github: ReceiverChoice = { name: 'github', fields: {} };
const stripeLike: ReceiverChoice = {
  name: 'hmac',
  fields: {
    signature: { header: 'X-Signature', prefix: 'v1=', separator: ',' },
    signed: '{timestamp}.{body}',
    timestamp: { from: 'signature', field: 't' },
  },
};

const sha256 = (text: string, key: string | Buffer = secret): string =>
  createHmac('sha256', key).update(text).digest('hex');

function push(body: string, signature = `sha256=${sha256(body)}`): Record<string, unknown> {
  return {
    method: 'POST',
    url: '/team-a/deploy?x=1',
    headers: {
      'X-Hub-Signature-256': signature,
      'X-GitHub-Event': 'push',
      'X-GitHub-Delivery': 'd-1',
      'content-type': 'application/json',
    },
    body,
  };
}

async function judge(
  capture: unknown,
  choice = github,
  text: string | Uint8Array = secret,
  nowMs = 0,
): Promise<CaptureVerdict> {
  const judged = await verifyCapture(capture, choice, secretsOf(text), { nowMs });
  assert.ok(judged.ok, judged.ok ? '' : judged.message);
  return judged.result;
}

async function unusable(capture: unknown, choice = github, ...texts: readonly string[]): Promise<string> {
  const judged = await verifyCapture(capture, choice, secretsOf(...texts), { nowMs: 0 });
  assert.ok(!judged.ok, JSON.stringify(judged));
  return judged.message;
}

describe('a captured request', () => {
  test('that is genuine has its verdict, name, ids and steps', async () => {
    const { steps, duplicateKey, ...result } = await judge(push('{"ref":"x"}'));
    assert.deepEqual(result, {
      receiver: 'github',
      verdict: 'verified',
      proof: 'signature',
      event: 'push',
      type: 'com.github.push',
      deliveryId: 'd-1',
      deliveryIdSigned: false,
      decision: 'run',
      warnings: [],
      hints: [],
    });
    assert.ok(steps.every(({ ok }) => ok));
    assert.match(duplicateKey ?? '', /:d-1$/);
  });

  test('is told what the trigger’s events and its body make of it', async () => {
    const listed: ReceiverChoice = {
      name: 'github',
      fields: { events: ['issues'], secretRefs: [{ name: 'a', key: 'b' }] },
    };
    assert.equal((await judge(push('{}'), listed)).decision, 'filtered');
    assert.match((await judge(push('{"a":'))).hints.join(), /answered 400 BodyInvalid/);
    assert.match(
      (await judge(push('{}', `sha256=${sha256('{}', 'short')}`), github, 'short')).warnings.join(),
      /5 bytes/,
    );
  });

  test('that does not verify comes with the mistake that was made, where it is one of the usual', async () => {
    const hint = async (capture: unknown, text: string | Uint8Array, choice = github): Promise<string> => {
      const result = await judge(capture, choice, text);
      assert.equal(result.verdict, 'refused');
      assert.ok(!JSON.stringify(result).includes(secret));
      return result.hints.join();
    };
    assert.match(await hint(push('{}'), `${secret}\n`), /newline around it/);
    assert.match(await hint(push('{}'), Buffer.from(secret).toString('base64')), /decoded from base64/);
    assert.match(await hint(push('{}'), Buffer.from(secret).toString('hex')), /decoded from hex/);
    assert.match(await hint(push('{}', `sha256=${sha256('{}\n')}`), secret), /lost its final newline/);
    assert.match(await hint(push('{}\n', `sha256=${sha256('{}')}`), secret), /was not sent/);
    assert.match(await hint(push('{\n}', `sha256=${sha256('{\r\n}')}`), secret), /CRLF/);
    assert.match(await hint(push('{ "a": 1 }', `sha256=${sha256('{"a":1}')}`), secret), /printed again/);
    assert.equal(await hint(push('{}'), 'quite another secret text'), '');
  });

  test('that is old says when it was signed, and passes at that time', async () => {
    const signature = `t=1700000000,v1=${sha256('1700000000.{}')}`;
    const capture = { url: 'https://h.example/x', headers: [['x-signature', signature]], body: '{}' };
    const late = await judge(capture, stripeLike, secret, 1_800_000_000_000);
    assert.equal(late.reason, 'TimestampOutsideTolerance');
    assert.match(late.hints.join(), /2023-11-14T22:13:20\.000Z/);
    assert.equal((await judge(capture, stripeLike, secret, 1_700_000_000_000)).verdict, 'verified');
  });

  test('may be binary, and names path parameters by the route', async () => {
    const body = Buffer.from([0, 255, 13, 10]);
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const { body: _, ...capture } = push('', signature);
    assert.equal((await judge({ ...capture, bodyBase64: body.toString('base64') })).verdict, 'verified');
    const choice: ReceiverChoice = { name: 'urlSecret', fields: { segment: 'token' } };
    const options = { nowMs: 0, route: '/a/:token' };
    const judged = await verifyCapture({ url: `/a/${encodeURIComponent(secret)}` }, choice, secretsOf(secret), options);
    assert.ok(judged.ok && judged.result.verdict === 'verified', JSON.stringify(judged));
  });

  test('that cannot be judged says what is missing or wrong', async () => {
    const capture = push('{}');
    assert.match(await unusable(capture, { name: 'gitbub', fields: {} }), /did you mean "github"/);
    assert.match(await unusable(capture, { name: 'hmac', fields: {} }, secret), /hmac\.signature is required/);
    assert.match(await unusable(capture), /needs a secret/);
    assert.match(await unusable(capture, github, ''), /secretRefs\[0\] is empty/);
    assert.match(await unusable(capture, { name: 'custom', fields: { handler: 'v' } }), /Lua/);
    for (const [broken, message] of [
      [[], /a capture is an object/],
      [null, /a capture is an object/],
      [{}, /url must be/],
      [{ url: 'ftp://x' }, /must begin with/],
      [{ url: '/x', method: 'GET /' }, /HTTP method/],
      [{ url: '/x', headers: 'a' }, /headers must be/],
      [{ url: '/x', headers: { 'a b': 'c' } }, /not a header name/],
      [{ url: '/x', headers: { a: { b: 1 } } }, /headers\.a must be text/],
      [{ url: '/x', body: { parsed: true } }, /exact text/],
      [{ url: '/x', body: '', bodyBase64: '' }, /both there/],
      [{ url: '/x', bodyBase64: '!!!' }, /base64/],
    ] as const) {
      assert.match(await unusable(broken, github, secret), message);
    }
  });
});

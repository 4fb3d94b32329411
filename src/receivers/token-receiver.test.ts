import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prepareReceiver } from '../../test/builders/sample-receiver.ts';
import { rawRequest, secretsOf, type RequestParts } from '../../test/builders/raw-request.ts';
import { receivers } from './catalogue.ts';
import type { PreparedReceiver, Verdict, VerifierAnswer, VerifyTools } from './types.ts';

const secret = 'a token of more than sixteen bytes';
const tools: VerifyTools = { now: () => 0 };

async function reason(receiver: PreparedReceiver, parts: RequestParts, given = secretsOf(secret)): Promise<string> {
  const verdict: Verdict = await receiver.verify(rawRequest(parts), given, tools);
  return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
}

const mistakesOf = (name: string, fields: Readonly<Record<string, unknown>>): string => {
  const result = receivers.get(name)?.prepare(fields);
  assert.ok(result !== undefined && !result.ok, `${name} ${JSON.stringify(fields)}`);
  return result.mistakes.map(({ path, message }) => `${path} ${message}`).join('; ');
};

describe('bearer', () => {
  const bearer = prepareReceiver('bearer');
  test('takes the token of the Authorization header, scheme in any case, and nothing near it', async () => {
    const by = (value: string): Promise<string> => reason(bearer, { headers: { authorization: value } });
    assert.equal(await by(`Bearer ${secret}`), 'verified');
    assert.equal(await by(`bEARER  ${secret}`), 'verified');
    assert.equal(await by(`Bearer ${secret.slice(0, -1)}`), 'TokenMismatch');
    assert.equal(await by(`Bearer ${secret}x`), 'TokenMismatch');
    assert.equal(await by(`Bearer ${secret.toUpperCase()}`), 'TokenMismatch');
    assert.equal(await by('Bearer '), 'TokenMismatch');
    assert.equal(await by(secret), 'TokenMalformed');
    assert.equal(await by(`Token ${secret}`), 'TokenMalformed');
    assert.equal(await reason(bearer, {}), 'TokenMissing');
    assert.equal(
      await reason(bearer, { headers: { authorization: [`Bearer ${secret}`, `Bearer ${secret}`] } }),
      'TokenRepeated',
    );
    assert.deepEqual(bearer.credentialHeaders, ['authorization']);
  });

  test('takes the whole value of a header of its own, which is then a credential', async () => {
    const own = prepareReceiver('bearer', { header: 'X-Api-Key' });
    assert.equal(await reason(own, { headers: { 'x-api-key': secret } }), 'verified');
    assert.equal(await reason(own, { headers: { 'x-api-key': `Bearer ${secret}` } }), 'TokenMismatch');
    assert.equal(await reason(own, { headers: { authorization: `Bearer ${secret}` } }), 'TokenMissing');
    assert.ok(own.credentialHeaders.includes('x-api-key'));
    assert.match(mistakesOf('bearer', { header: 'a b' }), /header must be a header name/);
    assert.match(mistakesOf('bearer', { heaDer: 'x' }), /heaDer is not known here/);
  });
});

describe('basic', () => {
  const encode = (pair: string | Uint8Array): RequestParts => ({
    headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
  });

  test('agrees with the example of RFC 7617 §2', async () => {
    const basic = prepareReceiver('basic', { usernames: ['Aladdin'] });
    const parts = { headers: { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' } };
    assert.equal(await reason(basic, parts, secretsOf('open sesame')), 'verified');
    const verdict = await basic.verify(rawRequest(parts), secretsOf('open sesame'), tools);
    assert.ok(verdict.verdict === 'verified' && verdict.subject === 'Aladdin' && verdict.proof === 'secret');
  });

  test('lets in only listed users with the right password', async () => {
    const basic = prepareReceiver('basic', { usernames: ['ann', 'bob'] });
    assert.equal(await reason(basic, encode(`bob:${secret}`)), 'verified');
    assert.equal(await reason(basic, encode(`eve:${secret}`)), 'TokenMismatch');
    assert.equal(await reason(basic, encode('bob:wrong')), 'TokenMismatch');
    assert.equal(await reason(basic, encode(`:${secret}`)), 'TokenMismatch');
    assert.equal(await reason(prepareReceiver('basic'), encode(`:${secret}`)), 'verified');
    assert.equal(await reason(basic, encode('no colon')), 'TokenMalformed');
    assert.equal(await reason(basic, { headers: { authorization: 'Basic !!!' } }), 'TokenMalformed');
    const colon = secretsOf('pass:word with a colon');
    assert.equal(await reason(prepareReceiver('basic'), encode('u:pass:word with a colon'), colon), 'verified');
    assert.match(mistakesOf('basic', { usernames: ['a:b'] }), /colon/);
    assert.match(mistakesOf('basic', { usernames: [] }), /at least one/);
  });
});

describe('urlSecret', () => {
  test('takes one query value, decoded, and names it as a credential', async () => {
    const receiver = prepareReceiver('urlSecret', { query: 'code' });
    const url = (query: string): RequestParts => ({ url: `https://h.example/x?${query}` });
    assert.equal(await reason(receiver, url(`code=${encodeURIComponent(secret)}`)), 'verified');
    assert.equal(await reason(receiver, url(`code=${encodeURIComponent(secret)}&code=x`)), 'TokenRepeated');
    assert.equal(await reason(receiver, url('Code=x')), 'TokenMissing');
    assert.equal(await reason(receiver, url('code=')), 'TokenMismatch');
    assert.deepEqual(receiver.credentialQuery, ['code']);
  });

  test('takes a path parameter, and wants exactly one of the two', async () => {
    const receiver = prepareReceiver('urlSecret', { segment: 'token' });
    assert.equal(await reason(receiver, { params: { token: secret } }), 'verified');
    assert.equal(await reason(receiver, { params: { token: 'x' } }), 'TokenMismatch');
    assert.equal(await reason(receiver, {}), 'TokenMissing');
    assert.deepEqual(receiver.credentialParams, ['token']);
    assert.match(mistakesOf('urlSecret', {}), /only one/);
    assert.match(mistakesOf('urlSecret', { query: 'a', segment: 'b' }), /only one/);
    const signed = receivers
      .get('urlSecret')
      ?.sign('x', Buffer.from(''), 'https://h/a/:token?x=1', { segment: 'token' }, secretsOf('s/1'), {
        now: () => 0,
        newId: () => '',
      });
    assert.equal(signed?.target, '/a/s%2F1?x=1');
  });
});

describe('open', () => {
  test('proves nothing, says so, and takes no secrets that nobody would check', async () => {
    const verdict = await prepareReceiver('open').verify(rawRequest(), secretsOf(), tools);
    assert.ok(verdict.verdict === 'verified' && verdict.proof === 'none');
    assert.match(mistakesOf('open', { secretRefs: [] }), /never checked/);
  });
});

describe('custom', () => {
  const custom = prepareReceiver('custom', { handler: 'verify' });
  const judge = (answer: () => Promise<VerifierAnswer>): Promise<Verdict> =>
    Promise.resolve(custom.verify(rawRequest(), secretsOf(secret), { now: () => 0, runVerifier: answer }));

  test('takes id and type from the Lua verifier, and joins the id with the body', async () => {
    const verdict = await judge(async () => ({ ok: true, id: 'd-1', type: 'order.paid' }));
    assert.ok(verdict.verdict === 'verified');
    assert.deepEqual(custom.identify(rawRequest(), verdict), {
      name: 'order.paid',
      type: 'dev.moonhook.http.order.paid',
      deliveryId: 'd-1',
      idSigned: false,
    });
    const bare = await judge(async () => ({ ok: true }));
    assert.ok(bare.verdict === 'verified');
    assert.equal(custom.identify(rawRequest(), bare).name, 'request');
  });

  test('fails closed: refused, raised, or no Lua to run', async () => {
    const refused = await judge(async () => ({ ok: false, reason: 'no such key' }));
    assert.ok(refused.verdict === 'refused' && refused.reason === 'VerifierRefused');
    assert.match(refused.steps[0]?.detail ?? '', /no such key/);
    const raised = await judge(async () => {
      throw new Error(`attempt to index ${secret}`);
    });
    assert.ok(raised.verdict === 'refused' && raised.reason === 'VerifierFailed');
    assert.ok(!JSON.stringify(raised).includes(secret));
    assert.equal(await reason(custom, {}), 'VerifierUnavailable');
    assert.match(mistakesOf('custom', {}), /handler is required/);
    assert.match(mistakesOf('custom', { handler: 'a.b' }), /Lua name/);
  });
});

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { rawRequest, secretsOf, type RequestParts } from '../../test/builders/raw-request.ts';
import { prepareReceiver, sampleTools } from '../../test/builders/sample-receiver.ts';
import { receivers } from './catalogue.ts';
import type { Identified, PreparedReceiver, RawRequest, ReceiverSecrets, Verdict } from './types.ts';

const secret = 'a secret of more than sixteen bytes';
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const seconds = String(Math.floor(sampleTools.now() / 1000));

function judge(receiver: PreparedReceiver, request: RawRequest, secrets: ReceiverSecrets = secretsOf(secret)): Verdict {
  const verdict = receiver.verify(request, secrets, sampleTools);
  assert.ok(!(verdict instanceof Promise));
  return verdict;
}

function identify(receiver: PreparedReceiver, parts: RequestParts): Identified {
  return receiver.identify(rawRequest(parts), { verdict: 'verified', proof: 'signature', steps: [] });
}

const reasonOf = (verdict: Verdict): string => (verdict.verdict === 'refused' ? verdict.reason : 'verified');

describe('slack', () => {
  const slack = prepareReceiver('slack');
  const signed = (body: string, headers: Readonly<Record<string, string>> = {}, time = seconds): RawRequest => {
    const digest = createHmac('sha256', secret).update(`v0:${time}:${body}`).digest('hex');
    return rawRequest({
      headers: {
        'content-type': 'application/json',
        'x-slack-request-timestamp': time,
        'x-slack-signature': `v0=${digest}`,
        ...headers,
      },
      body,
    });
  };

  test('answers the challenge only after it is verified, as plain text and never long or unprintable', () => {
    const body = JSON.stringify({ token: 'x', challenge: '3eZbrw1aB10hepzUgvCvsDgn', type: 'url_verification' });
    assert.equal(judge(slack, signed(body)).verdict, 'verified');
    assert.equal(slack.handshake(signed(body), secretsOf(secret)), undefined);
    assert.deepEqual(slack.verifiedHandshake?.(signed(body)), {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: '3eZbrw1aB10hepzUgvCvsDgn',
    });
    for (const challenge of ['x'.repeat(257), '\r\nset-cookie: a=b', 'é', '']) {
      const answer = slack.verifiedHandshake?.(signed(JSON.stringify({ type: 'url_verification', challenge })));
      assert.deepEqual(answer, { status: 400 }, challenge);
    }
    assert.equal(slack.verifiedHandshake?.(signed('{"type":"event_callback"}')), undefined);
    assert.deepEqual(slack.verifiedHandshake?.(signed('ssl_check=1&token=x', form)), { status: 200 });
  });

  test('refuses a request that is older than five minutes', () => {
    const old = String(Number(seconds) - 301);
    assert.equal(reasonOf(judge(slack, signed('{}', {}, old))), 'TimestampOutsideTolerance');
    assert.equal(reasonOf(judge(slack, signed('{}', {}, String(Number(seconds) - 300)))), 'verified');
  });

  test('names its three shapes of body', () => {
    const event = '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}';
    assert.deepEqual(identify(slack, { body: event }), {
      name: 'app_mention',
      type: 'com.slack.app_mention',
      deliveryId: 'Ev1',
      idSigned: true,
    });
    const command = identify(slack, { headers: form, body: 'command=%2Fweather&text=94070&trigger_id=13.7' });
    assert.deepEqual(
      [command.name, command.deliveryId, command.formField],
      ['slash_command.weather', '13.7', undefined],
    );
    const payload = encodeURIComponent('{"type":"block_actions","trigger_id":"1.2"}');
    const button = identify(slack, { headers: form, body: `payload=${payload}` });
    assert.deepEqual([button.name, button.deliveryId, button.formField], ['block_actions', '1.2', 'payload']);
  });
});

describe('stripe', () => {
  test('refuses the malformed headers of its own client’s tests, and a right signature of another version', () => {
    const stripe = prepareReceiver('stripe');
    const digest = createHmac('sha256', secret).update(`${seconds}.{}`).digest('hex');
    const by = (value: string): string =>
      reasonOf(judge(stripe, rawRequest({ headers: { 'stripe-signature': value }, body: '{}' })));
    assert.equal(by(`t=${seconds},v1=${digest}`), 'verified');
    assert.equal(by(`t=${seconds},v0=${digest}`), 'SignatureMalformed');
    for (const value of ['t=,v1=', 't,v1=,v0=', 't,,', ',,', 't']) assert.equal(by(value), 'SignatureMalformed', value);
  });

  test('uses the whole secret as text, prefix and all', () => {
    const stripe = prepareReceiver('stripe');
    const whole = `whsec_${Buffer.from(secret).toString('base64')}`;
    const digest = createHmac('sha256', whole).update(`${seconds}.{}`).digest('hex');
    const request = rawRequest({ headers: { 'stripe-signature': `t=${seconds},v1=${digest}` }, body: '{}' });
    assert.equal(judge(stripe, request, secretsOf(whole)).verdict, 'verified');
  });
});

describe('standardWebhooks', () => {
  const standard = prepareReceiver('standardWebhooks');
  const key = Buffer.from(secret);
  const shown = secretsOf(`whsec_${key.toString('base64')}`);
  const sign = (id: string): string => createHmac('sha256', key).update(`${id}.${seconds}.{}`).digest('base64');
  const request = (signature: string, family = 'webhook', id = 'msg_1'): RawRequest =>
    rawRequest({
      headers: { [`${family}-id`]: id, [`${family}-timestamp`]: seconds, [`${family}-signature`]: signature },
      body: '{}',
    });

  test('takes the right entry among others, and the headers of Svix', () => {
    const wrong = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
    for (const value of [`v1,${sign('msg_1')}`, `${wrong} v1,${sign('msg_1')}`, `v1,${sign('msg_1')} ${wrong}`]) {
      assert.equal(reasonOf(judge(standard, request(value), shown)), 'verified', value);
    }
    assert.equal(reasonOf(judge(standard, request(`v1,${sign('msg_1')}`, 'svix'), shown)), 'verified');
  });

  test('takes the id from the headers that were verified, never from the other family', () => {
    const verified = { verdict: 'verified', proof: 'signature', steps: [] } as const;
    const genuine = request(`v1,${sign('msg_1')}`, 'svix');
    const forged = { ...genuine, headers: new Map([...genuine.headers, ['webhook-id', ['msg_2']]]) };
    assert.equal(reasonOf(judge(standard, forged, shown)), 'verified');
    assert.equal(standard.identify(forged, verified).deliveryId, 'msg_1');
  });

  test('refuses other versions with the right bytes, entries without a comma, and an id with a dot', () => {
    assert.equal(reasonOf(judge(standard, request(`v2,${sign('msg_1')}`), shown)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(standard, request(sign('msg_1')), shown)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(standard, request(''), shown)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(standard, request(`v1,${sign('a.b')}`, 'webhook', 'a.b'), shown)), 'PartMalformed');
    assert.match(standard.checkSecret(Buffer.from('whsec_!!')) ?? '', /whsec_ and base64/);
  });
});

describe('gitlab', () => {
  const gitlab = prepareReceiver('gitlab');
  const signing = `whsec_${Buffer.from(secret).toString('base64')}`;
  const plain = 'the plain token of this webhook';
  const byToken = rawRequest({ headers: { 'x-gitlab-token': plain, 'idempotency-key': 'k-1' }, body: '{}' });

  test('takes a plain token only as long as no signing token is configured', () => {
    assert.equal(reasonOf(judge(gitlab, byToken, secretsOf(plain))), 'verified');
    assert.equal(reasonOf(judge(gitlab, byToken, secretsOf(`${plain}!`))), 'TokenMismatch');
    assert.equal(reasonOf(judge(gitlab, byToken, secretsOf(plain, signing))), 'SignatureMissing');
    const leaked = rawRequest({ headers: { 'x-gitlab-token': signing }, body: '{}' });
    assert.equal(reasonOf(judge(gitlab, leaked, secretsOf(signing))), 'SignatureMissing');
  });

  test('names events by kind and action, and trusts the id only where it is signed', () => {
    const body =
      '{"object_kind":"merge_request","object_attributes":{"action":"open"},"project":{"web_url":"https://g/p"}}';
    const request = rawRequest({ headers: { 'webhook-id': 'w-1', 'idempotency-key': 'k-1' }, body });
    const signed = gitlab.identify(request, { verdict: 'verified', proof: 'signature', steps: [] });
    assert.deepEqual(signed, {
      name: 'merge_request.open',
      type: 'com.gitlab.merge_request.open',
      source: 'https://g/p',
      deliveryId: 'w-1',
      idSigned: true,
    });
    const token = gitlab.identify(request, { verdict: 'verified', proof: 'secret', steps: [] });
    assert.deepEqual([token.deliveryId, token.idSigned], ['k-1', false]);
    const system = rawRequest({ headers: { 'x-gitlab-event': 'System Hook' }, body: '{"event_name":"user_create"}' });
    assert.equal(gitlab.identify(system, { verdict: 'verified', proof: 'secret', steps: [] }).name, 'user_create');
  });
});

describe('dropbox', () => {
  const dropbox = prepareReceiver('dropbox');
  const handshake = (query: string, method = 'GET') =>
    dropbox.handshake(rawRequest({ method, url: `https://h.example/x?${query}` }), secretsOf(secret));

  test('has its challenge echoed as plain text, and nothing that is long, repeated or no text', () => {
    assert.deepEqual(handshake('challenge=abc%20d'), {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: 'abc d',
    });
    for (const query of [
      '',
      'challenge=',
      `challenge=${'x'.repeat(257)}`,
      'challenge=a&challenge=b',
      'challenge=%0d%0aa',
      'challenge=%C3%A9',
    ]) {
      assert.equal(handshake(query), undefined, query);
    }
    assert.equal(handshake('challenge=abc', 'POST'), undefined);
  });
});

describe('trello', () => {
  test('signs the URL as registered, and has its HEAD answered', () => {
    const url = 'https://registered.example/hooks/trello';
    const trello = prepareReceiver('trello', { url });
    const digest = createHmac('sha1', secret).update(`{}${url}`).digest('base64');
    const request = rawRequest({
      url: 'https://elsewhere.example/x',
      headers: { 'x-trello-webhook': digest },
      body: '{}',
    });
    assert.equal(judge(trello, request).verdict, 'verified');
    assert.equal(reasonOf(judge(prepareReceiver('trello'), request)), 'SignatureMismatch');
    assert.deepEqual(trello.handshake(rawRequest({ method: 'HEAD' }), secretsOf(secret)), { status: 200 });
    assert.equal(trello.handshake(rawRequest(), secretsOf(secret)), undefined);
    const broken = receivers.get('trello')?.prepare({ url: 'registered.example' });
    assert.ok(broken !== undefined && !broken.ok);
  });
});

describe('shopify and bitbucket', () => {
  test('shopify: the header of either name decides, the older first', () => {
    const shopify = prepareReceiver('shopify');
    const digest = createHmac('sha256', secret).update('{}').digest('base64');
    const wrong = Buffer.alloc(32).toString('base64');
    const by = (headers: Readonly<Record<string, string>>): string =>
      reasonOf(judge(shopify, rawRequest({ headers, body: '{}' })));
    assert.equal(by({ 'shopify-hmac-sha256': digest }), 'verified');
    assert.equal(by({ 'x-shopify-hmac-sha256': digest }), 'verified');
    assert.equal(by({ 'x-shopify-hmac-sha256': wrong, 'shopify-hmac-sha256': digest }), 'SignatureMismatch');
  });

  test('bitbucket: SHA-1 in the header that carries SHA-256 is not taken', () => {
    const sha1 = createHmac('sha1', secret).update('{}').digest('hex');
    for (const name of ['bitbucket', 'bitbucketServer']) {
      const request = rawRequest({ headers: { 'x-hub-signature': `sha1=${sha1}` }, body: '{}' });
      assert.equal(reasonOf(judge(prepareReceiver(name), request)), 'SignatureMalformed');
      const named = identify(prepareReceiver(name), {
        headers: { 'x-event-key': 'repo:push', 'x-request-uuid': 'u', 'x-request-id': 'u' },
      });
      assert.deepEqual([named.name, named.deliveryId, named.idSigned], ['repo:push', 'u', false]);
    }
  });
});

/** Our receivers and the senders' own libraries against each other, both ways: what they sign we verify, and the reverse. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import https from 'node:https';
import { Readable } from 'node:stream';
import { createPublicKey, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { verifySlackRequest } from '@slack/bolt';
import { CloudEvent, HTTP } from 'cloudevents';
import { verifyKey } from 'discord-interactions';
import { createSigner, createVerifier, httpbis } from 'http-message-signatures';
import { jwtVerify, SignJWT } from 'jose';
import MessageValidator from 'sns-validator';
import { Webhook } from 'standardwebhooks';
import { Stripe } from 'stripe';
import twilioLibrary from 'twilio';
import { prepareReceiver } from '../../test/builders/sample-receiver.ts';
import { signer } from '../../test/builders/document-host.ts';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import { writeBodyDigest } from './body-digest.ts';
import { receivers } from './catalogue.ts';
import { ed25519Key } from './ed25519-key.ts';
import type {
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  SignedRequest,
  Verdict,
} from './types.ts';

const url = 'https://hooks.example.com/team-a/hook?x=1';
const secret = 'a secret of more than sixteen bytes';
// The libraries look at the machine's clock.
const tools = { now: () => Date.now(), newId: () => 'delivery-1' };

function definitionOf(name: string): ReceiverDefinition {
  return receivers.get(name) ?? assert.fail(name);
}

async function judge(receiver: PreparedReceiver, request: RawRequest, secrets: ReceiverSecrets): Promise<string> {
  const verdict: Verdict = await receiver.verify(request, secrets, tools);
  return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
}

const text = (signed: SignedRequest): string => Buffer.from(signed.body).toString();
const headerOf = (signed: SignedRequest, name: string): string => signed.headers[name] ?? assert.fail(name);

describe('stripe', () => {
  const stripe = new Stripe('sk_test_none', { apiVersion: '2022-11-15' });
  const whsec = 'whsec_abcdefghijklmnopqrstuvwxyz';

  test('signs what we verify, and verifies what we sign', async () => {
    const payload = '{"id":"evt_1","type":"invoice.paid"}';
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret: whsec });
    const request = rawRequest({ headers: { 'stripe-signature': header }, body: payload });
    assert.equal(await judge(prepareReceiver('stripe'), request, secretsOf(whsec)), 'verified');
    assert.equal(await judge(prepareReceiver('stripe'), request, secretsOf(`${whsec}!`)), 'SignatureMismatch');
    const signed = definitionOf('stripe').sign('x', Buffer.from(payload), url, {}, secretsOf(whsec), tools);
    assert.equal(stripe.webhooks.constructEvent(text(signed), headerOf(signed, 'stripe-signature'), whsec).id, 'evt_1');
    assert.throws(() =>
      stripe.webhooks.constructEvent(`${text(signed)} `, headerOf(signed, 'stripe-signature'), whsec),
    );
  });
});

describe('slack', () => {
  const body = '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention","text":"grüße"}}';
  const signed = definitionOf('slack').sign('app_mention', Buffer.from(body), url, {}, secretsOf(secret), tools);
  const time = Number(headerOf(signed, 'x-slack-request-timestamp'));
  const good = headerOf(signed, 'x-slack-signature');

  /** What Slack's own verifier says; it reads the time as a number. */
  function boltSays(signature: string, at: number, content: string, signingSecret = secret): boolean {
    try {
      const headers = { 'x-slack-signature': signature, 'x-slack-request-timestamp': at };
      verifySlackRequest({ signingSecret, body: content, headers });
      return true;
    } catch {
      return false;
    }
  }

  test('judges as we do: our signatures, other bodies, times, versions and secrets', async () => {
    const receiver = prepareReceiver('slack');
    const cases: readonly (readonly [string, number, string, string, boolean])[] = [
      [good, time, body, secret, true],
      [good, time, `${body} `, secret, false],
      [good, time + 1, body, secret, false],
      [good, time, body, `${secret}!`, false],
      [good.replace('v0=', 'v1='), time, body, secret, false],
      [good.slice(3), time, body, secret, false],
      [good.slice(0, -1), time, body, secret, false],
      [`${good}=`, time, body, `${secret}?`, false],
      ...[301, 86_400].map((seconds) => {
        const then = { ...tools, now: () => Date.now() - seconds * 1000 };
        const old = definitionOf('slack').sign('x', Buffer.from(body), url, {}, secretsOf(secret), then);
        const at = Number(headerOf(old, 'x-slack-request-timestamp'));
        return [headerOf(old, 'x-slack-signature'), at, body, secret, false] as const;
      }),
    ];
    for (const [signature, at, content, key, verified] of cases) {
      const headers = { 'x-slack-signature': signature, 'x-slack-request-timestamp': String(at) };
      const ours = await judge(receiver, rawRequest({ url, headers, body: content }), secretsOf(key));
      assert.equal(ours === 'verified', verified, `${signature} ${at}: ${ours}`);
      assert.equal(boltSays(signature, at, content, key), verified, `${signature} ${at}`);
    }
  });
});

describe('twilio', () => {
  const { validateRequest, validateRequestWithBody, getExpectedTwilioSignature } = twilioLibrary;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test('signs what we verify: forms, repeated fields, the standard port, nothing at all', async () => {
    const receiver = prepareReceiver('twilio');
    const cases: readonly (readonly [string, Record<string, string | string[]>, string])[] = [
      [
        url,
        { CallSid: 'CA1', From: '+1415', Körper: 'ä +&=%' },
        'CallSid=CA1&From=%2B1415&K%C3%B6rper=%C3%A4+%2B%26%3D%25',
      ],
      [url, { MediaUrl: ['b', 'a', 'a'], A: '' }, 'MediaUrl=b&MediaUrl=a&MediaUrl=a&A='],
      ['https://hooks.example.com:443/team-a/hook?x=1', { CallSid: 'CA1' }, 'CallSid=CA1'],
      [url, {}, ''],
    ];
    for (const [signedUrl, params, body] of cases) {
      const signature = getExpectedTwilioSignature(secret, signedUrl, params);
      const request = rawRequest({ url, headers: { ...form, 'x-twilio-signature': signature }, body });
      assert.equal(await judge(receiver, request, secretsOf(secret)), 'verified', body);
      const other = rawRequest({ url: `${url}1`, headers: { ...form, 'x-twilio-signature': signature }, body });
      assert.equal(await judge(receiver, other, secretsOf(secret)), 'SignatureMismatch', body);
    }
  });

  test('verifies what we sign, as a form and as JSON', () => {
    const json = Buffer.from('{"CallSid":"CA1","From":"+1 415"}');
    const signed = definitionOf('twilio').sign('call.ringing', json, url, {}, secretsOf(secret), tools);
    const params = Object.fromEntries(new URLSearchParams(text(signed)));
    assert.ok(validateRequest(secret, headerOf(signed, 'x-twilio-signature'), url, params));
    const plain = definitionOf('twilio').sign('json', json, url, {}, secretsOf(secret), tools);
    const target = new URL(plain.target ?? assert.fail(), url).href;
    assert.ok(validateRequestWithBody(secret, headerOf(plain, 'x-twilio-signature'), target, text(plain)));
    assert.ok(!validateRequestWithBody(secret, headerOf(plain, 'x-twilio-signature'), target, `${text(plain)} `));
  });

  test('a signed URL does not let another body in', async () => {
    const signature = getExpectedTwilioSignature(secret, url, {});
    const receiver = prepareReceiver('twilio');
    const by = async (headers: Readonly<Record<string, string>>, body: string, at = url): Promise<string> =>
      judge(
        receiver,
        rawRequest({ url: at, headers: { 'x-twilio-signature': signature, ...headers }, body }),
        secretsOf(secret),
      );
    assert.equal(await by({}, ''), 'verified');
    assert.equal(await by({ 'content-type': 'application/json' }, '{}'), 'DigestMissing');
    assert.equal(await by({}, '{}'), 'DigestMissing');
    assert.equal(await by(form, 'a=b'), 'SignatureMismatch');
    const json = definitionOf('twilio').sign('json', Buffer.from('{"a":1}'), url, {}, secretsOf(secret), tools);
    const target = new URL(json.target ?? assert.fail(), url).href;
    for (const [headers, body] of [
      [form, ''],
      [form, 'a=b'],
      [{}, ''],
    ] as const) {
      const request = rawRequest({ url: target, headers: { ...json.headers, ...headers }, body });
      assert.equal(await judge(receiver, request, secretsOf(secret)), 'DigestMismatch', body);
    }
  });
});

describe('standardwebhooks', () => {
  const shown = `whsec_${Buffer.from(secret).toString('base64')}`;
  const library = new Webhook(shown);

  for (const [name, family] of [
    ['standardWebhooks', 'webhook'],
    ['svix', 'svix'],
  ] as const) {
    test(`signs what ${name} verifies, and verifies what it signs`, async () => {
      const body = '{"type":"user.created"}';
      const now = new Date();
      const headers = {
        [`${family}-id`]: 'msg_1',
        [`${family}-timestamp`]: String(Math.floor(now.getTime() / 1000)),
        [`${family}-signature`]: library.sign('msg_1', now, body),
      };
      assert.equal(await judge(prepareReceiver(name), rawRequest({ headers, body }), secretsOf(shown)), 'verified');
      const signed = definitionOf(name).sign('x', Buffer.from(body), url, {}, secretsOf(shown), tools);
      const standard = Object.fromEntries(
        Object.entries(signed.headers).map(([key, value]) => [key.replace(/^svix-/, 'webhook-'), value]),
      );
      assert.deepEqual(library.verify(text(signed), standard), { type: 'user.created' });
      assert.throws(() => library.verify(`${text(signed)} `, standard));
    });
  }

  test('a public key verifies the entries of its version and no shared secret does', async () => {
    const seed = Buffer.alloc(32, 7);
    const made = definitionOf('standardWebhooks');
    const privateKey = `whsk_${Buffer.concat([seed, seed]).toString('base64')}`;
    const signed = made.sign('x', Buffer.from('{}'), url, {}, secretsOf(privateKey), tools);
    assert.match(headerOf(signed, 'webhook-signature'), /^v1a,/);
    const request = rawRequest({ headers: signed.headers, body: signed.body });
    assert.equal(await judge(prepareReceiver('standardWebhooks'), request, secretsOf(privateKey)), 'verified');
    assert.equal(await judge(prepareReceiver('standardWebhooks'), request, secretsOf(shown)), 'SignatureMalformed');
    assert.equal(await judge(prepareReceiver('standardWebhooks'), request, secretsOf(shown, privateKey)), 'verified');
  });
});

describe('discord-interactions', () => {
  test('verifies what we sign', async () => {
    const seed = Buffer.alloc(32, 3);
    const key = secretsOf(Buffer.concat([seed, seed]).toString('hex'));
    const signed = definitionOf('discord').sign('x', Buffer.from('{"type":1}'), url, {}, key, tools);
    const pair = ed25519Key(Buffer.concat([seed, seed])) ?? assert.fail();
    const shown = createPublicKey(pair).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
    const [signature, time] = ['x-signature-ed25519', 'x-signature-timestamp'].map((name) => headerOf(signed, name));
    assert.equal(await verifyKey(Buffer.from(signed.body), signature ?? '', time ?? '', shown), true);
    assert.equal(await verifyKey('{"type":2}', signature ?? '', time ?? '', shown), false);
    const request = rawRequest({ headers: signed.headers, body: signed.body });
    assert.equal(await judge(prepareReceiver('discord'), request, secretsOf(shown)), 'verified');
  });
});

describe('cloudevents', () => {
  const event = new CloudEvent({ type: 'com.example.order', source: '/shop', id: 'o-1', data: { order: 1 } });
  const bearing = { authorization: `Bearer ${secret}` };

  for (const mode of ['structured', 'binary'] as const) {
    test(`makes ${mode} events that we name, and reads those that we send`, async () => {
      const { headers, body } = HTTP[mode](event);
      const request = rawRequest({
        headers: { ...(headers as Record<string, string>), ...bearing },
        body: String(body),
      });
      const receiver = prepareReceiver('cloudEvents');
      const verdict = await receiver.verify(request, secretsOf(secret), tools);
      assert.ok(verdict.verdict === 'verified');
      const identified = receiver.identify(request, verdict);
      assert.deepEqual(
        [identified.name, identified.type, identified.source, identified.deliveryId],
        ['com.example.order', 'com.example.order', '/shop', '/shop#o-1'],
      );
      const payload = mode === 'structured' ? JSON.stringify(event) : '{"order":1}';
      const signed = definitionOf('cloudEvents').sign(
        'com.example.order',
        Buffer.from(payload),
        url,
        {},
        secretsOf(secret),
        tools,
      );
      const read = HTTP.toEvent({ headers: { ...signed.headers }, body: text(signed) });
      assert.ok(!Array.isArray(read));
      assert.deepEqual([read.type, read.data], ['com.example.order', { order: 1 }]);
    });
  }
});

describe('sns-validator', () => {
  test('verifies what we verify and what we sign, and takes certificates from the same hosts', async (context) => {
    const topic = 'arn:aws:sns:eu-central-1:123456789012:orders';
    const message: Record<string, string> = {
      Type: 'Notification',
      MessageId: '1',
      TopicArn: topic,
      Subject: 'Über orders',
      Message: 'line one\nline "two" 🦀',
      Timestamp: new Date().toISOString(),
      SignatureVersion: '1',
      SigningCertURL: 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem',
    };
    const names = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'];
    const signing = createSign('RSA-SHA1');
    for (const name of names) signing.update(`${name}\n${message[name] ?? ''}\n`);
    message['Signature'] = signing.sign(signer.key, 'base64');
    const request = rawRequest({ body: JSON.stringify(message) });
    const receiver = prepareReceiver('awsSns', { topicArns: [topic] });
    const certificate = Buffer.from(signer.certificate);
    const fetchDocument = async () => ({ ok: true, bytes: certificate }) as const;
    const verdict = await receiver.verify(request, secretsOf(), { ...tools, fetchDocument });
    assert.equal(verdict.verdict, 'verified', JSON.stringify(verdict));
    // The library fetches by itself: its request is answered with the certificate of the tests.
    const asked: string[] = [];
    context.mock.method(https, 'get', (from: string, answered: (response: Readable) => void) => {
      asked.push(from);
      answered(Object.assign(Readable.from([signer.certificate]), { statusCode: 200 }));
      return new EventEmitter();
    });
    const validate = (given: Readonly<Record<string, string>>): Promise<unknown> =>
      new Promise((resolve, reject) =>
        new MessageValidator().validate(given, (error: Error | null) => (error === null ? resolve(0) : reject(error))),
      );
    await validate(message);
    assert.deepEqual(asked, [message['SigningCertURL']]);
    await assert.rejects(validate({ ...message, Message: 'other' }), /signature/i, 'control: it looks at the message');
    // What we sign for tests passes there too.
    const fields = { topicArns: [topic] };
    const signed = definitionOf('awsSns').sign(
      'Notification',
      Buffer.from('hello'),
      url,
      fields,
      secretsOf(signer.key),
      tools,
    );
    await validate(JSON.parse(text(signed)) as Record<string, string>);
    // It knows where certificates may come from by the same rule, and refuses what we refuse before it fetches anything.
    const elsewhere = { ...message, SigningCertURL: 'https://sns.example.com/SimpleNotificationService-0000.pem' };
    await assert.rejects(validate(elsewhere));
    const refused = await receiver.verify(rawRequest({ body: JSON.stringify(elsewhere) }), secretsOf(), {
      ...tools,
      fetchDocument,
    });
    assert.ok(refused.verdict === 'refused' && refused.reason === 'CertificateRefused');
  });
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: KeyObject): string =>
  String(key.export(key.type === 'public' ? { type: 'spki', format: 'pem' } : { type: 'pkcs8', format: 'pem' }));

describe('http-message-signatures', () => {
  const pairs = [
    ['hmac-sha256', secret, secret],
    ['ed25519', pem(ed.privateKey), pem(ed.publicKey)],
    ['ecdsa-p256-sha256', pem(p256.privateKey), pem(p256.publicKey)],
    ['ecdsa-p384-sha384', pem(p384.privateKey), pem(p384.publicKey)],
    ['rsa-pss-sha512', pem(rsa.privateKey), pem(rsa.publicKey)],
    ['rsa-v1_5-sha256', pem(rsa.privateKey), pem(rsa.publicKey)],
  ] as const;

  for (const [algorithm, signing, verifying] of pairs) {
    test(`signs with ${algorithm} what we verify, and verifies what we sign`, async () => {
      const fields = { keys: [{ id: 'k1', algorithm, keyRef: { name: 's', key: 'k' } }] };
      const secrets = (value: string): ReceiverSecrets => ({
        secrets: [],
        named: new Map([['keys[0].keyRef', Buffer.from(value)]]),
      });
      const receiver = prepareReceiver('httpSignature', fields);
      const body = '{"hello": "world"}';
      const message = {
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/json',
          'content-digest': writeBodyDigest('content-digest', Buffer.from(body)),
        },
      };
      const covered = ['@method', '@authority', '@path', '@query', 'content-digest', 'content-type'];
      const theirs = await httpbis.signMessage(
        { key: createSigner(signing, algorithm, 'k1'), fields: covered, params: ['created', 'keyid', 'alg'] },
        message,
      );
      const headers = Object.fromEntries(
        Object.entries(theirs.headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      assert.equal(await judge(receiver, rawRequest({ url, headers, body }), secrets(verifying)), 'verified');
      assert.equal(
        await judge(receiver, rawRequest({ url, headers, body: `${body} ` }), secrets(verifying)),
        'DigestMismatch',
      );
      assert.equal(
        await judge(receiver, rawRequest({ url: `${url}1`, headers, body }), secrets(verifying)),
        'SignatureMismatch',
      );

      const ours = definitionOf('httpSignature').sign('x', Buffer.from(body), url, fields, secrets(signing), tools);
      const keyLookup = async () => ({ id: 'k1', algs: [algorithm], verify: createVerifier(verifying, algorithm) });
      const sent = { method: 'POST', url, headers: { ...ours.headers } };
      assert.equal(await httpbis.verifyMessage({ keyLookup }, sent), true);
      const changed = { ...sent, headers: { ...sent.headers, 'content-digest': 'sha-256=:AAAA:' } };
      assert.notEqual(await httpbis.verifyMessage({ keyLookup }, changed).catch(() => false), true);
    });
  }
});

describe('jose', () => {
  const fields = { issuer: 'https://issuer.example.com/', audiences: ['hooks'], keyRefs: [{ name: 's', key: 'k' }] };
  const secrets = (value: string): ReceiverSecrets => ({
    secrets: [],
    named: new Map([['keyRefs[0]', Buffer.from(value)]]),
  });
  const cases = [
    ['HS256', Buffer.from(secret), secret, secret],
    ['RS256', rsa.privateKey, pem(rsa.privateKey), pem(rsa.publicKey)],
    ['PS256', rsa.privateKey, pem(rsa.privateKey), pem(rsa.publicKey)],
    ['ES256', p256.privateKey, pem(p256.privateKey), pem(p256.publicKey)],
    ['EdDSA', ed.privateKey, pem(ed.privateKey), pem(ed.publicKey)],
  ] as const;

  for (const [algorithm, key, signing, verifying] of cases) {
    test(`makes ${algorithm} tokens that we verify, and verifies those we make`, async () => {
      const own = { ...fields, algorithms: [algorithm] };
      const token = await new SignJWT({ roles: ['sender'] })
        .setProtectedHeader({ alg: algorithm })
        .setIssuer(fields.issuer)
        .setAudience('hooks')
        .setExpirationTime('5m')
        .sign(key);
      const request = rawRequest({ headers: { authorization: `Bearer ${token}` } });
      assert.equal(await judge(prepareReceiver('jwt', own), request, secrets(verifying)), 'verified');
      assert.equal(
        await judge(prepareReceiver('jwt', { ...own, claims: { roles: 'sender' } }), request, secrets(verifying)),
        'verified',
      );
      assert.equal(
        await judge(prepareReceiver('jwt', { ...own, claims: { roles: 'admin' } }), request, secrets(verifying)),
        'ClaimMismatch',
      );
      const made = definitionOf('jwt').sign('x', Buffer.from('{}'), url, own, secrets(signing), tools);
      const value = headerOf(made, 'authorization').slice('Bearer '.length);
      const verified = await jwtVerify(value, algorithm === 'HS256' ? Buffer.from(secret) : createPublicKey(key), {
        issuer: fields.issuer,
        audience: 'hooks',
      });
      assert.equal(verified.payload.sub, 'webhook');
    });
  }
});

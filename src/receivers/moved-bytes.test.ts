/**
 * A captured request that is sent again in other words: where the signature covers a text made of the request instead of its
 * bytes, whatever says the same must be the same event, and what says something else must be refused.
 */
import assert from 'node:assert/strict';
import { createHmac, createSign } from 'node:crypto';
import { describe, test } from 'node:test';
import { signer } from '../../test/builders/document-host.ts';
import { rawRequest, secretsOf, type RequestParts } from '../../test/builders/raw-request.ts';
import { prepareReceiver, sampleTools } from '../../test/builders/sample-receiver.ts';
import { duplicateKey } from './duplicate-key.ts';
import type { PreparedReceiver, VerifiedSender, Verdict } from './types.ts';

const secret = 'a secret of more than sixteen bytes';
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** `verified` with the duplicate key, or the reason of the refusal. */
async function judge(receiver: PreparedReceiver, parts: RequestParts): Promise<string> {
  const request = rawRequest(parts);
  const certificate = Buffer.from(signer.certificate);
  // The certificate of the tests is valid now.
  const tools = { now: () => Date.now(), fetchDocument: async () => ({ ok: true, bytes: certificate }) as const };
  const verdict: Verdict = await receiver.verify(request, secretsOf(secret), tools);
  if (verdict.verdict === 'refused') return verdict.reason;
  const identified = receiver.identify(request, verdict satisfies VerifiedSender);
  return `verified ${duplicateKey(receiver.profile, identified, request.body) ?? 'without a key'}`;
}

const sha1 = (text: string): string => createHmac('sha1', secret).update(text).digest('base64');

describe('Amazon SNS', () => {
  const topic = 'arn:aws:sns:eu-central-1:123456789012:orders';
  const sns = prepareReceiver('awsSns', { topicArns: [topic] });
  const message = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    Type: 'Notification',
    MessageId: 'm-1',
    TopicArn: topic,
    Message: 'line one\nline two',
    Timestamp: new Date().toISOString(),
    SignatureVersion: '1',
    SigningCertURL: 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem',
    ...changes,
  });
  const names = ['Message', 'MessageId', 'SubscribeURL', 'Subject', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const sign = (signed: Readonly<Record<string, unknown>>): string => {
    const signing = createSign('RSA-SHA1');
    for (const name of names) if (typeof signed[name] === 'string') signing.update(`${name}\n${signed[name]}\n`);
    return signing.sign(signer.key, 'base64');
  };

  test('written with escapes is the same event', async () => {
    const sent = message();
    const body = JSON.stringify({ ...sent, Signature: sign(sent) });
    const plain = await judge(sns, { body });
    assert.match(plain, /^verified id:m-1/);
    for (const [from, to] of [
      ['"MessageId"', '"\\u004dessageId"'],
      ['"m-1"', '"\\u006d-1"'],
      ['"Type"', ' "T\\u0079pe" '],
    ] as const) {
      assert.equal(await judge(sns, { body: body.replace(from, to) }), plain, to);
    }
  });

  test('does not let a line feed in a value stand for the border of two fields', async () => {
    const evil = message({ Message: 'pay\nMessageId\nforged' });
    const signature = sign(evil);
    assert.match(await judge(sns, { body: JSON.stringify({ ...evil, Signature: signature }) }), /^verified id:m-1/);
    const moved = { ...evil, Message: 'pay', MessageId: 'forged\nMessageId\nm-1', Signature: signature };
    assert.equal(sign(moved), signature, 'control: the signed text is the same');
    assert.equal(await judge(sns, { body: JSON.stringify(moved) }), 'PartMalformed');
    for (const changes of [{ Type: 'Notification2' }, { Subject: { a: 1 } }, { Timestamp: ['now'] }]) {
      const other = message(changes);
      assert.equal(await judge(sns, { body: JSON.stringify({ ...other, Signature: sign(other) }) }), 'PartMalformed');
    }
    const noSubject = message({ Subject: null });
    assert.match(await judge(sns, { body: JSON.stringify({ ...noSubject, Signature: sign(noSubject) }) }), /^verified/);
  });
});

describe('Twilio', () => {
  const url = 'https://hooks.example.com/team-a/hook';
  const twilio = prepareReceiver('twilio');
  const headers = { ...form, 'x-twilio-signature': sha1(`${url}CallSidCA1CallStatusringingFrom+1 2`) };

  test('in another order or with other escapes is the same event', async () => {
    const plain = await judge(twilio, { headers, body: 'CallSid=CA1&CallStatus=ringing&From=%2B1+2' });
    assert.match(plain, /^verified id:.*CA1\.ringing$/);
    for (const body of [
      'From=%2B1+2&CallSid=CA1&CallStatus=ringing',
      'CallSid=CA1&CallStatus=ringing&From=%2b1%202',
      'CallSid=CA1&CallStatus=ringing&From=%2B1+2&From=%2B1+2',
      '&CallSid=CA%31&CallStatus=ringing&&From=%2B1+2',
    ]) {
      assert.equal(await judge(twilio, { headers, body }), plain, body);
    }
    const other = { ...form, 'x-twilio-signature': sha1(`${url}CallSidCA1CallStatusringingDigits1`) };
    assert.equal(await judge(twilio, { headers: other, body: 'CallSid=CA1&CallStatus=ringing' }), 'SignatureMismatch');
  });
});

describe('Mandrill', () => {
  const url = 'https://hooks.example.com/team-a/hook';
  const mandrill = prepareReceiver('mandrill');
  const list = '[{"event":"click","_id":"1","ts":1}]';
  const headers = { ...form, 'x-mandrill-signature': sha1(`${url}mandrill_events${list}`) };
  const post = (body: string): Promise<string> => judge(mandrill, { headers, body });

  test('passes with its one field as it is written, and with nothing moved out of it', async () => {
    assert.match(await post(`mandrill_events=${encodeURIComponent(list)}`), /^verified/);
    for (const body of [
      `mandrill%5Fevents=${encodeURIComponent(list)}`,
      `mandrill_events%5B=${encodeURIComponent(list.slice(1))}`,
      `mandrill_event=${encodeURIComponent(`s${list}`)}`,
      `mandrill_events=${encodeURIComponent(list)}&mandrill_events=${encodeURIComponent(list)}`,
      `=${encodeURIComponent(`mandrill_events${list}`)}`,
    ]) {
      assert.equal(await post(body), 'PartMalformed', body);
    }
  });
});

describe('a URL that is signed before the body', () => {
  const url = 'https://hooks.example.com/team-a/hook?shop=1';
  const body = '{"type":"payment.created","event_id":"e-1"}';
  const digest = createHmac('sha256', secret).update(`${url}${body}`).digest();

  for (const [name, receiver, headers] of [
    ['square', prepareReceiver('square'), { 'x-square-hmacsha256-signature': digest.toString('base64') }],
    [
      'hmac',
      prepareReceiver('hmac', { signature: { header: 'X-Signature' }, signed: '{url}{body}' }),
      { 'x-signature': digest.toString('hex') },
    ],
  ] as const) {
    test(`cannot take over the beginning of the body (${name})`, async () => {
      assert.match(await judge(receiver, { url, headers, body }), /^verified/);
      // The same signed text: the body, or its beginning, in the query.
      for (const cut of [1, 9, body.length]) {
        const moved = {
          ...rawRequest({ url, headers, body: body.slice(cut) }),
          publicUrl: `${url}${body.slice(0, cut)}`,
        };
        const verdict = await receiver.verify(moved, secretsOf(secret), sampleTools);
        assert.equal(verdict.verdict === 'refused' ? verdict.reason : 'verified', 'PartMalformed', String(cut));
      }
    });
  }
});

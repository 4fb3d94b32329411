/** Receivers that need something from elsewhere (certificates, key sets) over real HTTP and TLS: what is fetched, how often, from where. */
import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import { makeToken } from '../../src/receivers/jwt-key.ts';
import type { SignedRequest } from '../../src/receivers/types.ts';
import { documentHosts, signer, startDocumentHost, type DocumentHost } from '../builders/document-host.ts';
import { sendRaw, type RawAnswer } from '../builders/raw-http.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const code =
  'return function(event) return { name = event.name, subject = event.sender.subject, data = event.data } end';
const topic = 'arn:aws:sns:eu-central-1:123456789012:orders';
const certificatePath = 'sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem';
const jwksUrl = 'https://issuer.example.com/keys';

interface Started {
  readonly served: ServedFunctions;
  readonly host: DocumentHost;
  ask(name: string, signed: SignedRequest): Promise<RawAnswer>;
}

async function start(context: TestContext): Promise<Started> {
  const host = await startDocumentHost(context);
  const jwt = { issuer: 'https://issuer.example.com/', audiences: ['hooks'], jwksUrl };
  const web = (name: string, receiver: Readonly<Record<string, unknown>>) => ({
    name,
    code,
    triggers: [{ name: 'web', http: { path: name, mode: 'sync' as const, receiver: receiver as never } }],
  });
  const served = await serveFunctions({
    policy: localPolicy('http://127.0.0.1:1', [...documentHosts]),
    settings: { fault: { network: host.network } },
    functions: [
      web('sns', { awsSns: { topicArns: [topic] } }),
      web('paypal', { paypal: { webhookId: 'ABC' } }),
      web('jwt', { jwt }),
      web('alert', { azureAlert: { proof: { jwt } } }),
    ],
  });
  context.after(() => served.close());
  return {
    served,
    host,
    ask: async (name, signed) => sendRaw(`${served.url}/default/${name}`, signed),
  };
}

function snsMessage(fields: Readonly<Record<string, string>>, key = signer.key): SignedRequest {
  const sns = receivers.get('awsSns') ?? assert.fail();
  const body = Buffer.from(JSON.stringify(fields));
  const tools = { now: () => Date.now(), newId: () => 'message-1' };
  const event = fields['Type'] ?? 'Notification';
  return sns.sign(
    event,
    body,
    'https://x.example.com/',
    { topicArns: [topic] },
    { secrets: [Buffer.from(key)] },
    tools,
  );
}

test('a message of a listed topic passes with the certificate of Amazon, which is fetched once', async (context) => {
  const { host, ask } = await start(context);
  host.documents.set(certificatePath, signer.certificate);
  const first = await ask('sns', snsMessage({ order: 'paid' }));
  assert.equal(first.status, 200, first.body);
  const seen = JSON.parse(first.body) as { name: string; data: { Message: string } };
  assert.deepEqual([seen.name, JSON.parse(seen.data.Message)], ['Notification', { order: 'paid' }]);
  assert.equal((await ask('sns', snsMessage({ order: 'sent' }))).status, 200);
  assert.deepEqual(host.asked, [certificatePath]);
});

test('a subscription is confirmed only when it is signed and its topic listed', async (context) => {
  const { host, ask } = await start(context);
  host.documents.set(certificatePath, signer.certificate);
  const confirm = 'sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=t&Token=abc';
  host.documents.set(confirm, '<ConfirmSubscriptionResponse/>');
  const asking = {
    Type: 'SubscriptionConfirmation',
    MessageId: '1',
    TopicArn: topic,
    Token: 'abc',
    Message: 'You have chosen to subscribe',
    SubscribeURL: `https://${confirm}`,
    Timestamp: new Date().toISOString(),
  };
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = privateKey.export({ type: 'pkcs8', format: 'pem' });
  assert.equal((await ask('sns', snsMessage(asking, String(stranger)))).status, 401);
  assert.equal((await ask('sns', snsMessage({ ...asking, TopicArn: `${topic}2` }))).status, 401);
  const elsewhere = { ...asking, SubscribeURL: 'https://issuer.example.com/?Action=ConfirmSubscription&a=b' };
  assert.equal((await ask('sns', snsMessage(elsewhere))).status, 400);
  assert.ok(!host.asked.includes(confirm), host.asked.join(' '));
  assert.equal((await ask('sns', snsMessage(asking))).status, 200);
  assert.ok(host.asked.includes(confirm));
});

test('a message whose fields are changed, repeated or old is refused', async (context) => {
  const { host, ask } = await start(context);
  host.documents.set(certificatePath, signer.certificate);
  const signed = snsMessage({ order: 'paid' });
  assert.equal((await ask('sns', signed)).status, 200);
  const text = Buffer.from(signed.body).toString();
  for (const [from, to] of [
    ['paid', 'void'],
    // The second one is what a decoder would hand to Lua.
    ['{"Type"', '{"Message":"x","Type"'],
    ['"Signature":', '"Message":"void","Signature":'],
    ['"Signature":', '"Mess\\u0061ge":"void","Signature":'],
    ['"Type":"Notification"', '"Type":"UnsubscribeConfirmation"'],
  ] as const) {
    assert.ok(text.includes(from), from);
    assert.equal((await ask('sns', { ...signed, body: Buffer.from(text.replace(from, to)) })).status, 401, to);
  }
  const old = snsMessage({
    Type: 'Notification',
    MessageId: '1',
    TopicArn: topic,
    Message: 'x',
    Timestamp: new Date(Date.now() - 2 * 3_600_000).toISOString(),
  });
  assert.equal((await ask('sns', old)).status, 401);
});

test('a certificate is asked for at the sender’s hosts only, and not again and again when it cannot be had', async (context) => {
  const { host, ask } = await start(context);
  const paypal = receivers.get('paypal') ?? assert.fail();
  const tools = { now: () => Date.now(), newId: () => 'transmission-1' };
  const secrets = { secrets: [Buffer.from(signer.key)] };
  const signed = paypal.sign('X', Buffer.from('{}'), 'https://x.example.com/', { webhookId: 'ABC' }, secrets, tools);
  const named = (url: string): SignedRequest => ({ ...signed, headers: { ...signed.headers, 'paypal-cert-url': url } });
  for (const url of [
    'https://issuer.example.com/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com.example.com/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com@issuer.example.com/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com/v1/notifications/certs/../../CERT-1',
    'https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1',
    'http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://169.254.169.254/v1/notifications/certs/CERT-1',
  ]) {
    assert.equal((await ask('paypal', named(url))).status, 401, url);
  }
  assert.deepEqual(host.asked, []);
  const missing = 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-missing';
  const answers = await Promise.all(Array.from({ length: 20 }, async () => ask('paypal', named(missing))));
  assert.ok(answers.every(({ status }) => status === 401));
  assert.equal((await ask('paypal', named(missing))).status, 401);
  assert.equal(host.asked.length, 1);
  // Names chosen by a stranger: a few are asked for, then none.
  for (let number = 0; number < 20; number += 1) await ask('paypal', named(`${missing}-${number}`));
  assert.ok(host.asked.length >= 2 && host.asked.length <= 4, String(host.asked.length));
  // A certificate that is not PayPal's, although it came from its host.
  assert.equal((await ask('sns', snsMessage({ a: 'b' }))).status, 401);
});

const key = (): { readonly secret: KeyObject; readonly shown: Readonly<Record<string, unknown>> } => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { secret: privateKey, shown: createPublicKey(privateKey).export({ format: 'jwk' }) };
};

test('a token passes by the keys its issuer publishes, by its own rules and no other', async (context) => {
  const { host, ask } = await start(context);
  const [good, other] = [key(), key()];
  host.documents.set(
    'issuer.example.com/keys',
    JSON.stringify({ keys: [good.shown, { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }] }),
  );
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://issuer.example.com/', aud: 'hooks', sub: 'robot', exp: now + 300 };
  const bearing = (token: string): SignedRequest => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: Buffer.from('{"data":{"essentials":{"monitorCondition":"Fired"}}}'),
  });
  const by = async (changes: Readonly<Record<string, unknown>>, signing = good.secret): Promise<number> =>
    (await ask('jwt', bearing(makeToken({ ...claims, ...changes }, signing, 'RS256')))).status;
  const passed = await ask('jwt', bearing(makeToken(claims, good.secret, 'RS256')));
  assert.equal((JSON.parse(passed.body) as { subject: string }).subject, 'robot');
  assert.equal(await by({ iss: 'https://other.example.com/' }), 401);
  assert.equal(await by({ aud: 'others' }), 401);
  assert.equal(await by({ exp: now - 120 }), 401);
  assert.equal(await by({ exp: undefined }), 401);
  assert.equal(await by({ nbf: now + 600 }), 401);
  assert.equal(await by({}, other.secret), 401);
  // The public key as the secret of an HMAC, the published shared secret, and no algorithm at all.
  const pem = Buffer.from(String(createPublicKey(good.secret).export({ type: 'spki', format: 'pem' })));
  for (const secret of [createSecretKey(pem), createSecretKey(Buffer.from('secret'))]) {
    assert.equal((await ask('jwt', bearing(makeToken(claims, secret, 'HS256')))).status, 401);
  }
  const [, payload = ''] = makeToken(claims, good.secret, 'RS256').split('.');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.x`;
  assert.equal((await ask('jwt', bearing(none))).status, 401);
  const alert = await ask('alert', bearing(makeToken(claims, good.secret, 'RS256')));
  assert.equal((JSON.parse(alert.body) as { name: string }).name, 'fired');
  assert.deepEqual(host.asked, ['issuer.example.com/keys', 'issuer.example.com/keys']);
});

/** How senders check a URL before and after they have a secret: answered without Lua, and never a tool for strangers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { leastMs } from '../../test/builders/least-time.ts';
import { rawRequest, secretsOf } from '../../test/builders/raw-request.ts';
import {
  prepareReceiver,
  sampleFields,
  sampleSecret,
  sampleTools,
  secretsFor,
} from '../../test/builders/sample-receiver.ts';
import { receivers } from './catalogue.ts';
import type { RawRequest, ReceiverSecrets } from './types.ts';

const secret = 'a secret of more than sixteen bytes';

describe('meta', () => {
  const receiver = prepareReceiver('meta', { verifyTokenRef: { name: 'meta', key: 'token' } });
  const secrets: ReceiverSecrets = {
    secrets: [Buffer.from(secret)],
    named: new Map([['verifyTokenRef', Buffer.from('mine')]]),
  };
  const ask = (query: string, given = secrets, method = 'GET') =>
    receiver.handshake(rawRequest({ method, url: `https://hooks.example.com/x?${query}` }), given);

  test('echoes the challenge to who knows the verify token, and to nobody else', () => {
    const answer = ask('hub.mode=subscribe&hub.verify_token=mine&hub.challenge=1158201444');
    assert.deepEqual([answer?.status, answer?.body], [200, '1158201444']);
    assert.equal(answer?.headers?.['x-content-type-options'], 'nosniff');
    for (const query of [
      'hub.mode=subscribe&hub.verify_token=yours&hub.challenge=1',
      'hub.mode=subscribe&hub.verify_token=&hub.challenge=1',
      'hub.mode=subscribe&hub.challenge=1',
      'hub.mode=subscribe&hub.verify_token=mine&hub.verify_token=mine&hub.challenge=1',
      'hub.mode=subscribe&hub.verify_token=mine',
    ]) {
      assert.deepEqual(ask(query), { status: 403 }, query);
    }
    assert.deepEqual(ask('hub.mode=subscribe&hub.verify_token=mine&hub.challenge=%0d%0ax'), { status: 400 });
    assert.deepEqual(ask('hub.mode=subscribe&hub.verify_token=mine&hub.challenge=1', secretsOf(secret)), {
      status: 403,
    });
    assert.equal(ask('hub.mode=subscribe&hub.verify_token=mine&hub.challenge=1', secrets, 'POST'), undefined);
    assert.equal(ask('x=1'), undefined);
  });
});

describe('mandrill', () => {
  const receiver = prepareReceiver('mandrill');
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const ask = (body: string, headers: Readonly<Record<string, string>> = form) =>
    receiver.handshake(rawRequest({ headers, body }), secretsOf(secret));

  test('lets the empty list in that comes before there is a key, and nothing that holds an event', () => {
    assert.deepEqual(ask('mandrill_events=%5B%5D'), { status: 200 });
    assert.deepEqual(ask('mandrill_events=[]'), { status: 200 });
    assert.deepEqual(receiver.handshake(rawRequest({ method: 'HEAD' }), secretsOf(secret)), { status: 200 });
    for (const body of [
      'mandrill_events=%5B%7B%7D%5D',
      'mandrill_events=[]&mandrill_events=[{}]',
      'x=1&mandrill_events=[]',
      'mandrill_events=',
      '',
    ]) {
      assert.equal(ask(body), undefined, body);
    }
    assert.equal(ask('mandrill_events=[]', { 'content-type': 'application/json' }), undefined);
  });
});

describe('discord', () => {
  const receiver = prepareReceiver('discord');
  const definition = receivers.get('discord') ?? assert.fail();
  const asking = (body: string): RawRequest => rawRequest({ headers: { 'content-type': 'application/json' }, body });

  test('answers pings only after they are verified, and each kind of interaction with its own deferral', async () => {
    assert.equal(receiver.handshake(asking('{"type":1}'), secretsOf(secret)), undefined);
    assert.equal(receiver.verifiedHandshake?.(asking('{"type":1}'))?.body, '{"type":1}');
    assert.equal(receiver.verifiedHandshake?.(asking('{"type":0}'))?.status, 204);
    assert.equal(
      receiver.verifiedHandshake?.(asking('{"type":1,"event":{"type":"APPLICATION_AUTHORIZED"}}')),
      undefined,
    );
    assert.equal(receiver.verifiedHandshake?.(asking('{"type":2}')), undefined);
    assert.equal(receiver.acknowledge?.(asking('{"type":2}')).body, '{"type":5}');
    assert.equal(receiver.acknowledge?.(asking('{"type":3}')).body, '{"type":6}');
    assert.equal(receiver.acknowledge?.(asking('{"type":1,"event":{"type":"X"}}')).status, 204);
    const secrets = secretsFor(definition, sampleSecret(definition, 1));
    const signed = definition.sign('x', Buffer.from('{"type":1}'), 'https://x.example.com/', {}, secrets, sampleTools);
    const bad = { ...signed.headers, 'x-signature-ed25519': '0'.repeat(128) };
    const verdict = await receiver.verify(rawRequest({ headers: bad, body: signed.body }), secrets, sampleTools);
    assert.ok(verdict.verdict === 'refused' && verdict.reason === 'SignatureMismatch');
  });
});

describe('cloudEvents', () => {
  const ask = (headers: Readonly<Record<string, string>>, fields: Readonly<Record<string, unknown>> = {}) =>
    prepareReceiver('cloudEvents', fields).handshake(rawRequest({ method: 'OPTIONS', headers }), secretsOf(secret));

  test('allows an origin and the rate it asks for, and leaves the headers out for one that is not listed', () => {
    assert.deepEqual(
      ask({ 'webhook-request-origin': 'eventemitter.example.com', 'webhook-request-rate': '120' })?.headers,
      {
        'webhook-allowed-origin': 'eventemitter.example.com',
        'webhook-allowed-rate': '120',
        allow: 'POST',
      },
    );
    const listed = { origins: ['eventemitter.example.com'] };
    assert.deepEqual(ask({ 'webhook-request-origin': 'other.example.com' }, listed)?.headers, { allow: 'POST' });
    assert.equal(ask({}), undefined);
    assert.equal(ask({ 'webhook-request-origin': 'a\r\nset-cookie: b' }), undefined);
    const callback = 'https://stranger.example.com/confirm';
    const answer = ask({ 'webhook-request-origin': 'a.example.com', 'webhook-request-callback': callback });
    assert.ok(!JSON.stringify(answer).includes('stranger'));
  });

  test('refuses deliveries of an origin that is not listed, although they carry the token', async () => {
    const receiver = prepareReceiver('cloudEvents', { origins: ['a.example.com'] });
    const by = async (origin: string): Promise<string> => {
      const headers = { authorization: `Bearer ${secret}`, 'webhook-request-origin': origin };
      const verdict = await receiver.verify(rawRequest({ headers, body: '{}' }), secretsOf(secret), sampleTools);
      return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
    };
    assert.equal(await by('a.example.com'), 'verified');
    assert.equal(await by('b.example.com'), 'ContentMismatch');
  });
});

describe('salesforce', () => {
  const definition = receivers.get('salesforce') ?? assert.fail();
  const fields = sampleFields(definition);
  const receiver = prepareReceiver('salesforce', fields);
  const url = 'https://hooks.example.com/x?code=';
  const signed = definition.sign('Account', Buffer.alloc(0), url.slice(0, -6), fields, secretsOf(secret), sampleTools);
  const xml = Buffer.from(signed.body).toString();
  const by = async (body: string, code = secret): Promise<string> => {
    const request = rawRequest({ url: `${url}${encodeURIComponent(code)}`, headers: signed.headers, body });
    const verdict = await receiver.verify(request, secretsOf(secret), sampleTools);
    return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
  };

  test('passes messages of its organization in 15 or 18 characters, and refuses others and document types', async () => {
    assert.equal(await by(xml), 'verified');
    assert.equal(await by(xml.replace('00D000000000001EAA', '00D000000000001')), 'verified');
    assert.equal(await by(xml.replace('00D000000000001EAA', '00D000000000002EAA')), 'ContentMismatch');
    assert.equal(await by(xml, 'another secret of the same length!!'), 'TokenMismatch');
    const twice = '<OrganizationId>00D000000000001EAA</OrganizationId>';
    assert.equal(await by(xml.replace(twice, twice + twice)), 'ContentMismatch');
    assert.equal(await by(`<!DOCTYPE x [<!ENTITY a "b">]>${xml}`), 'PartMalformed');
    assert.equal(await by(xml.replace(twice, `<!-- ${twice} -->`)), 'PartMalformed');
  });

  test('reads a document of any shape in linear time', async () => {
    for (const filler of ['<Notification>', '</Notification>', '<', '<a:', '<Notification ', '<OrganizationId/>']) {
      const ms = await leastMs(1500, async () => {
        await by(`${xml}${filler.repeat(Math.ceil(1_000_000 / filler.length))}`);
        receiver.identify(rawRequest({ body: filler.repeat(50_000) }), {
          verdict: 'verified',
          proof: 'secret',
          steps: [],
        });
      });
      assert.ok(ms < 1500, filler);
    }
  });
});

describe('downgrades', () => {
  test('hubspot: a version 3 signature decides where there is one, and older ones pass only when they are accepted', async () => {
    const definition = receivers.get('hubspot') ?? assert.fail();
    const v1 = createHash('sha256').update(`${secret}[]`).digest('hex');
    const older = { 'x-hubspot-signature': v1, 'x-hubspot-signature-version': 'v1' };
    const by = async (headers: Readonly<Record<string, string>>, fields = {}): Promise<string> => {
      const verdict = await prepareReceiver('hubspot', fields).verify(
        rawRequest({ headers, body: '[]' }),
        secretsOf(secret),
        sampleTools,
      );
      return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
    };
    assert.equal(await by(older), 'SignatureMissing');
    assert.equal(await by(older, { acceptOlder: true }), 'verified');
    assert.equal(await by({ 'x-hubspot-signature': v1 }, { acceptOlder: true }), 'SignatureMissing');
    const signed = definition.sign(
      'x',
      Buffer.from('[]'),
      'https://hooks.example.com/team-a/hook',
      {},
      secretsOf('another secret'),
      sampleTools,
    );
    assert.equal(await by({ ...older, ...signed.headers }, { acceptOlder: true }), 'SignatureMismatch');
  });

  test('linear: the time in the signed body counts, whatever the header says', async () => {
    const definition = receivers.get('linear') ?? assert.fail();
    const signed = definition.sign(
      'Issue.create',
      Buffer.from('{"type":"Issue"}'),
      'https://x.example.com/',
      {},
      secretsOf(secret),
      sampleTools,
    );
    const later = sampleTools.now() + 61_000;
    const request = rawRequest({
      headers: { ...signed.headers, 'linear-timestamp': String(later) },
      body: signed.body,
    });
    const at = async (now: number): Promise<string> => {
      const verdict = await prepareReceiver('linear').verify(request, secretsOf(secret), { now: () => now });
      return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
    };
    assert.equal(await at(sampleTools.now() + 60_000), 'verified');
    assert.equal(await at(later), 'TimestampOutsideTolerance');
  });
});

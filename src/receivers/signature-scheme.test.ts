import assert from 'node:assert/strict';
import { createHmac, createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { rawRequest } from '../../test/builders/raw-request.ts';
import { signWithScheme, verifySignature, type SignatureScheme } from './signature-scheme.ts';
import { parseTemplate, template } from './signed-template.ts';
import type { RawRequest, Verdict } from './types.ts';

const key = createSecretKey(Buffer.from('0123456789abcdef'));
const otherKey = createSecretKey(Buffer.from('fedcba9876543210'));
const signedAt = 1_700_000_000_000;

const timed: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-signature',
  encoding: 'hex',
  prefix: 'v1=',
  separator: ',',
  timestampField: 't',
  signed: template('{timestamp}.{body}'),
  timestamp: { from: { field: 't' }, unit: 's', toleranceMs: 300_000 },
};

function signed(
  scheme: SignatureScheme,
  body = '{"a":1}',
  nowMs = signedAt,
  url = 'https://h.example/x?y=1',
): RawRequest {
  const input = { method: 'POST', url, body: Buffer.from(body), headers: {}, id: 'msg_1', nowMs };
  return rawRequest({ url, headers: signWithScheme(scheme, input, key), body });
}

function reasonOf(verdict: Verdict): string {
  assert.equal(verdict.verdict, 'refused');
  return verdict.reason;
}

const withHeader = (request: RawRequest, name: string, ...values: string[]): RawRequest => ({
  ...request,
  headers: new Map([...request.headers, [name, values]]),
});

describe('the replay window', () => {
  const request = signed(timed);
  const at = (nowMs: number): Verdict => verifySignature(timed, request, [key], nowMs);

  test('takes exactly 300 s and refuses 301 s, in the past and in the future', () => {
    assert.equal(at(signedAt).verdict, 'verified');
    assert.equal(at(signedAt + 300_000).verdict, 'verified');
    assert.equal(at(signedAt + 300_999).verdict, 'verified');
    assert.equal(reasonOf(at(signedAt + 301_000)), 'TimestampOutsideTolerance');
    assert.equal(at(signedAt - 300_000).verdict, 'verified');
    assert.equal(reasonOf(at(signedAt - 300_001)), 'TimestampOutsideTolerance');
  });

  test('is exact to the millisecond where the sender signs milliseconds', () => {
    const scheme: SignatureScheme = { ...timed, timestamp: { from: { field: 't' }, unit: 'ms', toleranceMs: 60_000 } };
    const exact = signed(scheme);
    assert.equal(verifySignature(scheme, exact, [key], signedAt + 60_000).verdict, 'verified');
    assert.equal(reasonOf(verifySignature(scheme, exact, [key], signedAt + 60_001)), 'TimestampOutsideTolerance');
  });

  test('reads RFC 3339 dates, and the signed text holds them as they were written', () => {
    const scheme: SignatureScheme = {
      algorithm: 'sha256',
      header: 'x-signature',
      encoding: 'base64',
      prefix: '',
      signed: template('{timestamp}{body}'),
      timestamp: { from: { header: 'x-time' }, unit: 'rfc3339', toleranceMs: 1000 },
    };
    const request = signed(scheme);
    assert.equal(request.headers.get('x-time')?.[0], '2023-11-14T22:13:20.000Z');
    assert.equal(verifySignature(scheme, request, [key], signedAt + 1000).verdict, 'verified');
    const rewritten = withHeader(request, 'x-time', '2023-11-14T22:13:20Z');
    assert.equal(reasonOf(verifySignature(scheme, rewritten, [key], signedAt)), 'SignatureMismatch');
  });

  test('is only looked at when the signature is right', () => {
    assert.equal(reasonOf(verifySignature(timed, request, [otherKey], signedAt + 999_999)), 'SignatureMismatch');
  });

  test('takes digits only: no sign, blank, exponent, fraction or other number', () => {
    for (const text of [
      '+1700000000',
      '-1',
      ' 1700000000x',
      '1.7e9',
      '1700000000.0',
      '0x6554',
      '٣٣',
      '',
      '1'.repeat(16),
    ]) {
      const signature = createHmac('sha256', key).update(`${text}.{"a":1}`).digest('hex');
      const crafted = withHeader(request, 'x-signature', `t=${text},v1=${signature}`);
      assert.match(reasonOf(verifySignature(timed, crafted, [key], signedAt)), /^Timestamp(Malformed|Missing)$/, text);
    }
  });
});

describe('a header of several entries', () => {
  const request = signed(timed);
  const [genuine = ''] = request.headers.get('x-signature') ?? [];
  const digest = genuine.slice(genuine.indexOf('v1=') + 3);
  const judge = (value: string): Verdict =>
    verifySignature(timed, withHeader(request, 'x-signature', value), [key], signedAt);

  test('passes with the right entry anywhere, and other versions are skipped', () => {
    const wrong = 'f'.repeat(64);
    for (const value of [
      `t=1700000000,v1=${wrong},v1=${digest}`,
      `v1=${digest},t=1700000000,v1=${wrong}`,
      `t=1700000000,v0=${wrong},v1=${digest}`,
      `t=1700000000, v1=${digest.toUpperCase()}`,
      `t=1700000000,v1=zz,v1=${digest}`,
    ]) {
      assert.equal(judge(value).verdict, 'verified', value);
    }
  });

  test('is refused with another version that has the right bytes, two times, too many entries, or no value', () => {
    assert.equal(reasonOf(judge(`t=1700000000,v0=${digest}`)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(`t=1700000000,t=1700000001,v1=${digest}`)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(`${'v1=00,'.repeat(20)}t=1700000000,v1=${digest}`)), 'SignatureMalformed');
    assert.equal(reasonOf(judge(`v1=${digest}`)), 'TimestampMissing');
    for (const value of ['t=,v1=', 't,v1=,v0=', 't,,', ',,', 't'])
      assert.equal(reasonOf(judge(value)), 'SignatureMalformed', value);
    assert.equal(reasonOf(judge(`t=1700000000,v1=${digest.slice(2)}`)), 'SignatureMalformed');
  });
});

describe('signatures with a public key', () => {
  const scheme: SignatureScheme = {
    algorithm: 'ed25519',
    header: 'x-signature',
    encoding: 'base64',
    prefix: 'v1a,',
    separator: ' ',
    signed: template('{body}'),
  };
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519').publicKey;
  const genuine = `v1a,${sign(null, Buffer.from('{"a":1}'), privateKey).toString('base64')}`;
  const judge = (...entries: readonly string[]): Verdict => {
    const request = rawRequest({ headers: { 'x-signature': entries.join(' ') }, body: '{"a":1}' });
    return verifySignature(scheme, request, [other, publicKey], signedAt);
  };
  const wrong = `v1a,${Buffer.alloc(64, 1).toString('base64')}`;

  test('are at most four: for each of them and each key a stranger has the whole body hashed', () => {
    for (const entries of [[genuine], [genuine, wrong], [wrong, wrong, wrong, genuine]]) {
      const verdict = judge(...entries);
      assert.equal(verdict.verdict, 'verified');
      assert.match(JSON.stringify(verdict.steps), /secret 2 of 2/);
    }
    assert.equal(reasonOf(judge(wrong, wrong, wrong, wrong)), 'SignatureMismatch');
    assert.equal(reasonOf(judge(wrong, wrong, wrong, wrong, genuine)), 'SignatureMalformed');
    assert.equal(judge('v1,x', 'v1,x', 'v1,x', 'v1,x', genuine).verdict, 'verified', 'other versions do not count');
  });
});

describe('keys', () => {
  test('are all compared: any of several may match, and its position is told', () => {
    const request = signed(timed);
    const verdict = verifySignature(timed, request, [otherKey, key], signedAt);
    assert.equal(verdict.verdict, 'verified');
    assert.match(JSON.stringify(verdict.steps), /secret 2 of 2/);
    assert.equal(reasonOf(verifySignature(timed, request, [], signedAt)), 'SignatureMismatch');
  });
});

describe('the signed text', () => {
  const base: Omit<SignatureScheme, 'signed'> = {
    algorithm: 'sha512',
    header: 'x-signature',
    encoding: 'base64',
    prefix: '',
  };

  test('covers method, URL, path and headers: any of them changed is refused', () => {
    const scheme: SignatureScheme = {
      ...base,
      signed: template('{method}\n{path}\n{url}\n{header:X-Tenant}\n{id}\n{body}'),
      idHeader: 'x-id',
    };
    const request = signed(scheme);
    assert.equal(verifySignature(scheme, request, [key], signedAt).verdict, 'verified');
    for (const changed of [
      { ...request, method: 'PUT' },
      { ...request, publicUrl: 'https://h.example/x?y=2' },
      { ...request, publicUrl: 'https://other.example/x?y=1' },
      withHeader(request, 'x-tenant', 'other'),
      withHeader(request, 'x-id', 'other'),
    ]) {
      assert.equal(reasonOf(verifySignature(scheme, changed, [key], signedAt)), 'SignatureMismatch');
    }
    assert.equal(reasonOf(verifySignature(scheme, withHeader(request, 'x-tenant'), [key], signedAt)), 'PartMissing');
    assert.equal(
      reasonOf(verifySignature(scheme, withHeader(request, 'x-id', 'a\nb'), [key], signedAt)),
      'PartMalformed',
    );
  });

  test('uses the registered URL where one is configured, never the one of the request', () => {
    const scheme: SignatureScheme = {
      ...base,
      signed: template('{url}{body}'),
      url: 'https://registered.example/hook',
    };
    const request = signed(scheme);
    assert.equal(
      verifySignature(scheme, { ...request, publicUrl: 'https://elsewhere/' }, [key], signedAt).verdict,
      'verified',
    );
  });

  test('may hold a digest of the body instead of the body, which is then compared', () => {
    for (const header of ['content-digest', 'digest']) {
      const scheme: SignatureScheme = { ...base, signed: template(`{method} {header:${header}}`) };
      const request = signed(scheme);
      assert.equal(verifySignature(scheme, request, [key], signedAt).verdict, 'verified');
      const changed = { ...request, body: Buffer.from('{"a":2}') };
      assert.equal(reasonOf(verifySignature(scheme, changed, [key], signedAt)), 'DigestMismatch');
      const value = header === 'digest' ? 'md5=abc' : 'md5=:YWJj:';
      const signature = createHmac('sha512', key).update(`POST ${value}`).digest('base64');
      const weak = withHeader(withHeader(request, header, value), 'x-signature', signature);
      assert.equal(reasonOf(verifySignature(scheme, weak, [key], signedAt)), 'DigestMissing');
    }
  });

  test('takes base64 of either alphabet with or without padding, and one text for each value', () => {
    const scheme: SignatureScheme = { ...base, algorithm: 'sha256', signed: template('{body}') };
    const request = signed(scheme, 'body 7');
    const [value = ''] = request.headers.get('x-signature') ?? [];
    const judge = (text: string): Verdict =>
      verifySignature(scheme, withHeader(request, 'x-signature', text), [key], 0);
    assert.equal(judge(value).verdict, 'verified');
    assert.equal(judge(value.replaceAll('+', '-').replaceAll('/', '_')).verdict, 'verified');
    assert.equal(judge(value.replace(/=+$/, '')).verdict, 'verified');
    const last = value.at(-2) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const sameBytes = alphabet[alphabet.indexOf(last) + 1] ?? '';
    assert.deepEqual(Buffer.from(`${value.slice(0, -2)}${sameBytes}=`, 'base64'), Buffer.from(value, 'base64'));
    assert.equal(judge(`${value.slice(0, -2)}${sameBytes}=`).verdict, 'refused');
    assert.equal(judge(`${value}=`).verdict, 'refused');
  });
});

describe('templates', () => {
  test('that leave the body unsigned, or are not written right, are refused with what is wrong', () => {
    for (const [text, message] of [
      ['{timestamp}', /leaves the body unsigned/],
      ['', /leaves the body unsigned/],
      ['{body', /without its "}"/],
      ['body}', /without its "{"/],
      ['{bodyy}', /unknown part \{bodyy\}/],
      ['{header:}{body}', /unknown part/],
      ['{header:a b}{body}', /unknown part/],
      ['{body}{body}', /more than once/],
      ['x'.repeat(300), /longer/],
    ] as const) {
      const parsed = parseTemplate(text);
      assert.ok(!parsed.ok && message.test(parsed.message), `${text}: ${JSON.stringify(parsed)}`);
    }
  });
});

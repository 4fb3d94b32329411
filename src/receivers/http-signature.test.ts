import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { leastMs } from '../../test/builders/least-time.ts';
import { rawRequest } from '../../test/builders/raw-request.ts';
import { sampleTools } from '../../test/builders/sample-receiver.ts';
import type { Vector } from '../../test/builders/vector-request.ts';
import { writeBodyDigest } from './body-digest.ts';
import { signatureBase, verifyBase } from './http-signature-base.ts';
import { httpSignature } from './http-signature.ts';
import { readByteSequences, readInnerLists } from './structured-field.ts';
import type { PreparedReceiver } from './types.ts';

const secret = 'a shared secret of enough bytes';
const url = 'https://hooks.example.com/team-a/hook?b=1&a=2';
const created = Math.floor(sampleTools.now() / 1000);
const named = { secrets: [], named: new Map([['keys[0].keyRef', Buffer.from(secret)]]) };

function prepare(fields: Readonly<Record<string, unknown>> = {}): PreparedReceiver {
  const keys = [{ id: 'k', algorithm: 'hmac-sha256', keyRef: { name: 's', key: 'k' } }];
  const result = httpSignature.prepare({ keys, ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result.receiver;
}

interface Signing {
  readonly components?: string;
  readonly parameters?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly label?: string;
}

/** A request signed as described, rightly whatever it covers. */
function signed({
  components = '"@method" "@target-uri" "content-digest"',
  parameters = `;created=${created};keyid="k"`,
  body = '{}',
  headers = {},
  label = 'sig',
}: Signing) {
  const digest = { 'content-digest': writeBodyDigest('content-digest', Buffer.from(body)) };
  const bare = rawRequest({ url, headers: { ...digest, ...headers }, body });
  const written = `(${components})${parameters}`;
  const input = readInnerLists(`${label}=${written}`)?.get(label) ?? assert.fail(written);
  const base = signatureBase(input, bare);
  assert.ok(base.ok, JSON.stringify(base));
  const mac = createHmac('sha256', secret).update(base.text, 'latin1').digest('base64');
  return rawRequest({
    url,
    headers: { ...digest, ...headers, 'signature-input': `${label}=${written}`, signature: `${label}=:${mac}:` },
    body,
  });
}

async function judge(
  request: ReturnType<typeof rawRequest>,
  fields?: Readonly<Record<string, unknown>>,
): Promise<string> {
  const verdict = await prepare(fields).verify(request, named, sampleTools);
  return verdict.verdict === 'verified' ? 'verified' : verdict.reason;
}

describe('httpSignature', () => {
  test('verifies the signed text of RFC 9421 B.2.5 with its key, and no changed byte of it', () => {
    const vectors = JSON.parse(
      readFileSync(new URL('../../test/vectors/receivers.json', import.meta.url), 'utf8'),
    ) as readonly Vector[];
    const vector = vectors.find(({ id }) => id === 'rfc9421-b25') ?? assert.fail();
    const text = vector.body ?? assert.fail();
    const key = createSecretKey(Buffer.from(vector.key, 'base64'));
    const signature = Buffer.from(vector.expect, 'base64');
    assert.ok(verifyBase('hmac-sha256', text, key, signature));
    for (let index = 0; index < text.length; index += 1) {
      const changed = Buffer.from(text);
      changed[index] = (changed[index] ?? 0) ^ 1;
      assert.ok(!verifyBase('hmac-sha256', changed.toString('latin1'), key, signature), String(index));
    }
    // The base that is made from the request of the RFC is that text.
    const input = /^"@signature-params": (.*)$/m.exec(text)?.[1] ?? assert.fail();
    const request = rawRequest({
      url: 'https://example.com/foo?param=Value&Pet=dog',
      headers: { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json' },
    });
    const base = signatureBase(readInnerLists(`sig-b25=${input}`)?.get('sig-b25') ?? assert.fail(), request);
    assert.deepEqual(base, { ok: true, text });
  });

  test('demands method, target and body, whatever else is covered', async () => {
    assert.equal(await judge(signed({})), 'verified');
    assert.equal(
      await judge(signed({ components: '"@method" "@authority" "@path" "@query" "content-digest"' })),
      'verified',
    );
    assert.equal(
      await judge(signed({ components: '"@method" "@authority" "@path" "content-digest"' })),
      'ComponentMissing',
    );
    assert.equal(await judge(signed({ components: '"@target-uri" "content-digest"' })), 'ComponentMissing');
    assert.equal(await judge(signed({ components: '"@method" "@target-uri"' })), 'ComponentMissing');
    assert.equal(await judge(signed({ components: '"@method" "@target-uri"', body: '' })), 'verified');
    assert.equal(
      await judge(signed({ components: '"date"', headers: { date: 'x' } }), { components: ['date'] }),
      'verified',
    );
  });

  test('takes the algorithm from the key and the time from the signature', async () => {
    const by = async (parameters: string): Promise<string> => judge(signed({ parameters }));
    assert.equal(await by(`;created=${created};keyid="k";alg="hmac-sha256"`), 'verified');
    assert.equal(await by(`;created=${created};keyid="k";alg="ed25519"`), 'SignatureMalformed');
    assert.equal(await by(`;created=${created};keyid="other"`), 'KeyUnknown');
    assert.equal(await by(`;created=${created}`), 'KeyUnknown');
    assert.equal(await by(';keyid="k"'), 'TimestampMissing');
    assert.equal(await by(`;created=${created - 300};keyid="k"`), 'verified');
    assert.equal(await by(`;created=${created - 301};keyid="k"`), 'TimestampOutsideTolerance');
    assert.equal(await by(`;created=${created + 301};keyid="k"`), 'TimestampOutsideTolerance');
    assert.equal(await by(`;created=${created};expires=${created - 1};keyid="k"`), 'SignatureExpired');
  });

  test('the nonce is the duplicate key', async () => {
    const request = signed({ parameters: `;created=${created};keyid="k";nonce="n-1"` });
    const receiver = prepare();
    const verdict = await receiver.verify(request, named, sampleTools);
    assert.ok(verdict.verdict === 'verified');
    assert.equal(receiver.identify(request, verdict).deliveryId, 'n-1');
  });

  test('one signature among several is enough, and a body that is not the digested one is refused', async () => {
    const good = signed({});
    const value = (name: string): string => good.headers.get(name)?.[0] ?? '';
    const several = new Map([
      ...good.headers,
      ['signature-input', [`proxy=("@method");created=1;keyid="p", ${value('signature-input')}`]],
      ['signature', [`proxy=:AAAA:, ${value('signature')}`]],
    ]);
    assert.equal(await judge({ ...good, headers: several }), 'verified');
    assert.equal(await judge({ ...good, body: Buffer.from('{} ') }), 'DigestMismatch');
    assert.equal(await judge({ ...good, publicUrl: `${url}&c=3` }), 'SignatureMismatch');
    assert.equal(await judge({ ...good, method: 'PUT' }), 'SignatureMismatch');
  });

  test('structured fields of any text are read or refused, in linear time', async () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: fc.constantFrom('"', '(', ')', ';', '=', ':', ',', 'a', ' ', '1', '\\') }),
        ),
        (text) => {
          readInnerLists(text);
          readByteSequences(text);
        },
      ),
      { numRuns: 2000 },
    );
    for (const filler of ['(', '"', ';a', 'a=(),', '("a"', ' ', 'a=("a" ']) {
      const ms = await leastMs(50, () => readInnerLists(`a=(${filler.repeat(8000 / filler.length)}`));
      assert.ok(ms < 50, filler);
    }
    assert.equal(readInnerLists('a=("x"), a=("y")'), undefined);
    assert.equal(readInnerLists('a=("x")'.repeat(2000)), undefined);
  });
});

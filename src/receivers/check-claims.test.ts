import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkClaims, hasPlainHeader } from './check-claims.ts';

const rules = { toleranceSeconds: 60, nowMs: 1_700_000_000_000, endRequired: true };
const now = 1_700_000_000;
const check = (claims: unknown, more: object = {}): string => {
  const bytes = Buffer.from(typeof claims === 'string' ? claims : JSON.stringify(claims));
  const verdict = checkClaims(bytes, { ...rules, ...more });
  return verdict.ok ? 'ok' : [verdict.why, verdict.claim].filter(Boolean).join(' ');
};

suite('checkClaims', () => {
  test('a token holds between nbf and exp, with the tolerance', () => {
    assert.equal(check({ exp: now + 1 }), 'ok');
    assert.equal(check({ exp: now - 59 }), 'ok');
    assert.equal(check({ exp: now - 60 }), 'expired exp');
    assert.equal(check({ exp: now + 1, nbf: now + 60 }), 'ok');
    assert.equal(check({ exp: now + 1, nbf: now + 61 }), 'early nbf');
  });

  test('a token without an end passes only where none is asked for; times that are no numbers never', () => {
    assert.equal(check({}), 'mismatch exp');
    assert.equal(check({}, { endRequired: false }), 'ok');
    for (const claim of ['exp', 'nbf', 'iat']) {
      for (const value of ['1', null, [now + 1], {}, true]) {
        assert.equal(check({ exp: now + 1, [claim]: value }), `mismatch ${claim}`, JSON.stringify(value));
      }
    }
  });

  test('issuer and audience are compared exactly', () => {
    const claims = { exp: now + 1, iss: 'a', aud: ['x', 'y'] };
    assert.equal(check(claims, { issuer: 'a', audiences: ['y'] }), 'ok');
    assert.equal(check({ ...claims, aud: 'y' }, { audiences: ['z', 'y'] }), 'ok');
    assert.equal(check(claims, { issuer: 'A' }), 'mismatch iss');
    assert.equal(check({ ...claims, iss: ['a'] }, { issuer: 'a' }), 'mismatch iss');
    assert.equal(check(claims, { audiences: ['z'] }), 'mismatch aud');
    assert.equal(check({ exp: now + 1 }, { audiences: ['undefined'] }), 'mismatch aud');
    assert.equal(check({ ...claims, aud: [['y']] }, { audiences: ['y'] }), 'mismatch aud');
  });

  test('a payload that is no JSON object is malformed', () => {
    for (const text of ['', '[]', 'null', '"a"', '{', '{"exp":1', '\u{feff}{}', '{"exp":1}}']) {
      assert.equal(check(text), 'malformed', text);
    }
    assert.equal(checkClaims(Buffer.from('{"a":"\xff"}', 'latin1'), rules).ok, false);
  });
});

test('a header with a name that begins with an escape goes to no other reader', () => {
  const token = (header: string): string => `${Buffer.from(header).toString('base64url')}.e30.x`;
  assert.equal(hasPlainHeader(token('{"alg":"HS256","kid":"a\\"b"}')), true);
  assert.equal(hasPlainHeader(token('{"alg":"HS256","\\n":1}')), false);
  assert.equal(hasPlainHeader(token('{"alg":"HS256","x":{"\\u005c":1}}')), false);
  assert.equal(hasPlainHeader('.e30.x'), false);
});

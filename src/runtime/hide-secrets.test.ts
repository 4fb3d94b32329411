import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, httpTriggerEntry } from '../../test/builders/function-entry.ts';
import { createHide, secretsOf } from './hide-secrets.ts';

const secret = 'pW/4+x Sëcret?&=%7';
const hide = createHide([secret]) ?? assert.fail('there is a secret');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const url = (path: string): string => new URL(path, 'https://a.example').href;

for (const [name, text] of Object.entries({
  'as it is': `a ${secret} b`,
  'in other capitals': secret.toUpperCase().replace('Ë', 'ë'),
  'percent-encoded as a component': `?a=${encodeURIComponent(secret)}`,
  'as part of an address': encodeURI(secret),
  'in the path of a parsed address': url(`/${secret.replace('?', '%3F')}`),
  'in the query of a parsed address': url(`/?${secret}`),
  'in a form': new URLSearchParams({ a: secret }).toString(),
  'in JSON': JSON.stringify({ a: secret }),
  'in base64': base64(secret),
  'in base64url': Buffer.from(secret).toString('base64url'),
  'behind one byte in base64': base64(`:${secret}:`),
  'behind two bytes in base64': base64(`u:${secret}`),
  'behind a user name in base64': base64(`user:${secret}`),
  'in hexadecimal notation': Buffer.from(secret).toString('hex').toUpperCase(),
  'shown byte by byte': Buffer.from(secret).toString('latin1'),
})) {
  test(`a secret is masked ${name}`, () => {
    const hidden = hide(text);
    assert.match(hidden, /\*\*\*/, hidden);
    assert.ok(!/s(?:ë|%C3%AB|\\u00eb)cret/i.test(hidden), hidden);
  });
}

test('what stands around secrets stays', () => {
  assert.equal(hide(`<${secret}> and <${secret}>`), '<***> and <***>');
  assert.equal(hide(`${secret}${secret}!`), '***!');
  assert.equal(hide('İ nothing of it'), 'İ nothing of it');
  assert.equal(hide(`İ ${secret}`), 'İ ***');
});

test('of two secrets one of which begins with the other nothing is left', () => {
  const both = createHide(['abcdefgh', 'abcdefghijkl']);
  assert.equal(both?.('1 abcdefghijkl 2 abcdefgh 3'), '1 *** 2 *** 3');
  const head = 'h'.repeat(40);
  const alike = createHide([`${head}-first-one`, `${head}-other`]);
  assert.equal(alike?.(`${head}-other.`), '***.');
});

test('each line of a value is masked for itself', () => {
  const lines = createHide(['-----BEGIN KEY-----\nMIIEvQIBADAN\r\n  BgkqhkiG9w0B\n}\n']);
  assert.equal(lines?.('MIIEvQIBADAN, BgkqhkiG9w0B and }'), '***, *** and }');
});

test('what is left of a secret where a text was cut is masked', () => {
  const long = createHide(['0123456789abcdefghijklmnopqrstuvwxyz0123456789']);
  assert.equal(long?.('[string "x = 0123456789abc..."]:1: bad'), '[string "x = ***..."]:1: bad');
  assert.equal(long?.(`${'.'.repeat(190)}0123456789`), `${'.'.repeat(190)}***`);
  assert.equal(long?.('0123456789abcdefghijklmnopqrstuvwxyz!'), '***!');
  assert.equal(long?.(`${'.'.repeat(190)}01234567. 012345678`), `${'.'.repeat(190)}01234567. ***`);
  assert.equal(long?.('short, and not cut: 0123456789'), 'short, and not cut: 0123456789');
});

test('values of fewer than six characters are not looked for', () => {
  assert.equal(createHide(['true', '', ' 8080 \n']), undefined);
  assert.equal(createHide(['12345', '123456'])?.('12345 123456'), '12345 ***');
});

test('a value of a megabyte is masked without long work', () => {
  const value = 'aaaaaaaa'.repeat(131_072);
  const large = createHide([`${value}b`, 'other secret']);
  assert.equal(large?.('a'.repeat(65_536)), '***');
});

test('of hundreds of secrets every value is looked for first, and of thousands no more than 512', () => {
  const names = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `secret number ${1000 + index}.`);
  const many = createHide(names(500)) ?? assert.fail('there are secrets');
  for (const name of names(500)) assert.equal(many(`<${name}>`), '<***>');
  const thousands = createHide(names(5000)) ?? assert.fail('there are secrets');
  assert.equal(names(5000).filter((name) => thousands(name) === '***').length, 512);
  const few = createHide(names(20)) ?? assert.fail('there are secrets');
  for (const name of names(20)) assert.ok(!few(base64(`user:${name}`)).includes(base64(`user:${name}`).slice(8)));
});

test('secrets of env and of verifiers in Lua are known, other values of env are none', () => {
  const trigger = httpTriggerEntry();
  const receiver = { ...trigger.receiver, name: 'custom', secrets: [base64('of the verifier')] };
  const entry = functionEntry({
    env: { OPEN: 'not secret', KEY: 'of env' },
    secretEnv: ['KEY', 'away'],
    triggers: [{ ...trigger, receiver }, trigger],
  });
  assert.deepEqual(secretsOf(entry), ['of env', '', 'of the verifier']);
});

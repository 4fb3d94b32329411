/** Keys made to be expensive: one signature by them must not hold a thread that others need, and honest ones are paid for. */
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { hostBench } from '../builders/host-engine.ts';

const bench = await hostBench();
after(async () => {
  assert.deepEqual(bench.defects, []);
  await bench.close();
});

function der(tag: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let left = content.length; left > 0; left >>= 8) length.unshift(left & 255);
  const head = content.length < 128 ? [content.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const integer = (bytes: Buffer): Buffer => der(2, Buffer.concat([Buffer.from([0]), bytes]));

/** An odd number of so many bits: no prime, which nobody asks before he computes with it. */
function odd(bits: number, seed: number): Buffer {
  const bytes = Buffer.alloc(bits / 8, seed);
  bytes[0] = 0xc3;
  bytes[bytes.length - 1] = 0xa5;
  return bytes;
}

/** RSAPrivateKey of RFC 8017 §A.1.2; primes of their own size where `primeBits` is given. */
function forgedKey(modulusBits: number, primeBits = modulusBits / 2, exponentBits = primeBits): string {
  const [p, q] = [odd(primeBits, 0x77), odd(primeBits, 0x55)];
  const product = (BigInt(`0x${p.toString('hex')}`) * BigInt(`0x${q.toString('hex')}`)).toString(16);
  const modulus =
    primeBits * 2 === modulusBits ? Buffer.from(product.padStart(modulusBits / 4, '0'), 'hex') : odd(modulusBits, 0x33);
  const body = [
    Buffer.from([2, 1, 0]),
    integer(modulus),
    Buffer.from([2, 3, 1, 0, 1]),
    integer(odd(modulusBits, 0x11)),
    ...[p, q, odd(exponentBits, 0x22), odd(exponentBits, 0x44), odd(primeBits, 0x66)].map(integer),
  ];
  const lines =
    der(0x30, Buffer.concat(body))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN RSA PRIVATE KEY-----\n${lines.join('\n')}\n-----END RSA PRIVATE KEY-----\n`;
}

describe('a private key', () => {
  for (const [what, key] of [
    ['of 8,192 bits', forgedKey(8192)],
    ['of 32,768 bits', forgedKey(32_768)],
    ['with primes larger than its modulus', forgedKey(2048, 16_384)],
    ['with exponents larger than its modulus', forgedKey(2048, 1024, 100_000)],
  ] as const) {
    test(`${what} signs nothing`, async () => {
      assert.ok(key.length < 65_536, 'control: it is not refused for its length');
      assert.match(
        await bench.error('return crypto.jwt_sign({}, env.KEY, { alg = "RS256" })', { env: { KEY: key } }),
        /an RSA key with a part of more than 4096 bits/,
      );
    });
  }

  test('control: such a key is taken by the library below, and holds its thread', () => {
    const key = createPrivateKey(forgedKey(8192));
    const started = process.threadCpuUsage();
    try {
      sign('sha256', Buffer.from('{}'), key);
    } catch {
      // Whether the result is checked in the end is no matter: the time has gone.
    }
    const { user, system } = process.threadCpuUsage(started);
    assert.ok(user + system > 20_000, `${(user + system) / 1000} ms`);
  });

  test('of 4,096 bits signs and is paid for: what many signatures take counts as CPU time', async () => {
    const pem = (key: { export(options: object): string | Buffer }): string =>
      String(key.export({ type: 'pkcs8', format: 'pem' }));
    const large = pem(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
    const code = `return function()
      for i = 1, 60 do assert(crypto.jwt_sign({ n = i }, env.KEY)) end
      return "signed"
    end`;
    const parts = { limits: { cpuMs: 100, timeoutMs: 15_000 } };
    const paid = await bench.run(code, { ...parts, env: { KEY: large } });
    assert.equal(paid.kind, 'cpu');
    const few = await bench.run(code.replace('60', '2'), { env: { KEY: large }, limits: { timeoutMs: 15_000 } });
    assert.equal(few.kind, 'ok', 'control: the key is right');
    assert.ok(few.usage.cpuMs > 5, `${few.usage.cpuMs} ms for two`);
  });

  test('with primes as long as its modulus is paid for by their length, which is what takes the time', async () => {
    const code = `return function()
      for i = 1, 20 do crypto.jwt_sign({ n = i }, env.KEY, { alg = "RS256" }) end
      return "signed"
    end`;
    const parts = { limits: { cpuMs: 100, timeoutMs: 15_000 } };
    const made = await bench.run(code, { ...parts, env: { KEY: forgedKey(4096, 4096) } });
    assert.equal(made.kind, 'cpu');
    const usual = await bench.run(code, { ...parts, env: { KEY: forgedKey(2048) } });
    assert.equal(usual.kind, 'ok', 'control: as many by a key of the usual size are not too many');
  });
});

/** The page of each sender: its example goes live as it stands, and a request sent as the page says is let in. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { receivers } from '../../src/receivers/catalogue.ts';
import { startLocal } from '../builders/local-run.ts';
import { sampleSecret } from '../builders/sample-receiver.ts';

const pages = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'senders');
const block = (text: string, language: string): string | undefined =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];

const names = readdirSync(pages).map((file) => basename(file, '.md'));
const page = (name: string): string => readFileSync(join(pages, `${name}.md`), 'utf8');

const publicKey = JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }));

/** The names in `secrets.env` with values in the form each sender gives out. */
function secretLines(name: string): readonly (readonly [string, string])[] {
  const definition = receivers.get(name) ?? assert.fail(name);
  return (block(page(name), 'ini') ?? '').split('\n').flatMap((line, index) => {
    const [key = ''] = line.split('=');
    if (key === '') return [];
    const value = name === 'httpSignature' ? publicKey : Buffer.from(sampleSecret(definition, index + 1)).toString();
    return [[key, value] as const];
  });
}

/** Signed with keys that no page can give, or with what the user's own sender decides. */
const withoutRequest: ReadonlySet<string> = new Set(['awsSns', 'paypal', 'jwt', 'httpSignature', 'discord', 'custom']);

test('every example goes live with the secrets its page names, and lets in what its sender signs', async (context) => {
  assert.equal(names.length, receivers.size);
  const files = Object.fromEntries(
    names.map((name) => [`${name}.yaml`, block(page(name), 'yaml') ?? assert.fail(name)]),
  );
  const secrets = new Map(names.flatMap(secretLines));
  const base = mkdtempSync(join(tmpdir(), 'moonhook-pages-'));
  context.after(() => rmSync(base, { recursive: true }));
  const envFile = join(base, 'secrets.env');
  writeFileSync(envFile, [...secrets].map(([key, value]) => `${key}=${value}\n`).join(''));
  const { run, fetch } = await startLocal(context, { files, options: { envFile } });

  const states = [...run.states().values()];
  const broken = states.flatMap(({ summary }) =>
    summary.conditions.filter(({ type, status }) => type === 'Ready' && status !== 'True'),
  );
  assert.deepEqual(broken, []);
  assert.equal(states.length, names.length);

  for (const name of names.filter((each) => !withoutRequest.has(each))) {
    const path = `/example/${name.toLowerCase()}`;
    const { guide, sign } = receivers.get(name) ?? assert.fail(name);
    const values = secretLines(name).map(([, value]) => Buffer.from(value));
    const signed = sign(
      guide.sampleEvent,
      Buffer.from('{"id":"1"}'),
      run.addresses.public + path,
      guide.example ?? {},
      {
        secrets: values,
      },
      { now: () => Date.now(), newId: () => `${name}-1` },
    );
    const { method, headers, body, target = path } = signed;
    const answer = await fetch(target, { method, headers, body: Buffer.from(body) });
    assert.ok(answer.ok, `${name}: ${answer.status} ${await answer.text()}`);
  }
});

test('the verifier in Lua of its page lets in what it describes, and nothing else', async (context) => {
  const file = block(page('custom'), 'yaml') ?? '';
  const [[key, secret] = assert.fail('no secret')] = secretLines('custom');
  const base = mkdtempSync(join(tmpdir(), 'moonhook-pages-'));
  context.after(() => rmSync(base, { recursive: true }));
  const envFile = join(base, 'secrets.env');
  writeFileSync(envFile, `${key}=${secret}\n`);
  const { fetch } = await startLocal(context, { files: { 'custom.yaml': file }, options: { envFile } });
  const body = '{"order":7}';
  const ask = async (given: string): Promise<readonly [number, string]> => {
    const signature = createHmac('sha256', given).update(body).digest('hex');
    const headers = { 'x-acme-signature': signature, 'x-acme-event': 'order.paid' };
    const answer = await fetch('/example/custom', { method: 'POST', headers, body });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask(secret), [200, '{"received":"order.paid"}']);
  assert.equal((await ask(`${secret}!`))[0], 401);
});

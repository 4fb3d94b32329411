/** Senders over real HTTP: what each signs reaches its function, anything else is 401, and credentials never get to Lua. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { receivers } from '../../src/receivers/catalogue.ts';
import type { ReceiverDefinition, SignedRequest } from '../../src/receivers/types.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';
import { certified, sampleFields, sampleSecret, secretsFor } from '../builders/sample-receiver.ts';

const root = join(import.meta.dirname, '..', '..');
/** All but those without a proof to give, and those whose key only their sender has (`signed-certificates.test.ts`). */
const senders = [...receivers.values()].filter(
  ({ profile }) => profile.name !== 'custom' && profile.name !== 'open' && !certified.has(profile.name),
);
const perFunction = 16;
/** Headers of all senders that prove something: none of them reaches Lua. */
const credentials = [
  ...new Set(
    senders.flatMap((definition) => {
      const prepared = definition.prepare(sampleFields(definition));
      return prepared.ok ? prepared.receiver.credentialHeaders : [];
    }),
  ),
];
/** Those that show a secret and sign nothing. */
const bySecret: ReadonlySet<string> = new Set([
  'bearer',
  'basic',
  'urlSecret',
  'cloudEvents',
  'mailchimp',
  'azureDevOps',
  'azureAlert',
  'dynamics',
  'kudu',
  'myget',
  'salesforce',
  'wordpress',
  'dockerHub',
  'alertmanager',
  'harbor',
  'telegram',
]);
const tools = { now: () => Date.now(), newId: () => 'delivery-1' };

/** The receiver as users write it: secrets by reference, or in the references of its own fields. */
function receiverOf(definition: ReceiverDefinition): Readonly<Record<string, unknown>> {
  const { name } = definition.profile;
  if (!needsSecretRefs(definition)) return { [name]: { ...sampleFields(definition) } };
  return { [name]: { ...sampleFields(definition), secretRefs: [{ name: 'senders', key: name }] } };
}

const needsSecretRefs = (definition: ReceiverDefinition): boolean =>
  definition.secretFields?.(sampleFields(definition)).length === 0 || definition.secretFields === undefined;

/** Functions with a trigger for each sender, and the secrets of all. */
function documents(): string {
  const all = senders.map((definition) => {
    const { name } = definition.profile;
    const receiver = receiverOf(definition);
    return { name: name.toLowerCase(), http: { path: name.toLowerCase(), mode: 'sync', receiver } };
  });
  const code = `return function(event)
  local credentials = 0
  for _, name in ipairs({ ${credentials.map((name) => JSON.stringify(name)).join(', ')} }) do
    if event.request.headers[name] then credentials = credentials + 1 end
  end
  return { name = event.name, type = event.type, by = event.sender.verified, sender = event.sender.name,
    credentials = credentials, code = event.request.query.code, path = event.request.path }
end`;
  const functions: string[] = [];
  for (let first = 0; first < all.length; first += perFunction) {
    const metadata = { name: first === 0 ? 'all' : `all-${first}`, namespace: 'team-a' };
    const triggers = all.slice(first, first + perFunction);
    const spec = { code, triggers };
    functions.push(JSON.stringify({ apiVersion: 'moonhook.dev/v1alpha1', kind: 'WebhookFunction', metadata, spec }));
  }
  const stringData = Object.fromEntries(
    senders.flatMap((definition) => {
      const { name } = definition.profile;
      return [
        [name, Buffer.from(sampleSecret(definition, 1)).toString()],
        [`${name}2`, Buffer.from(sampleSecret(definition, 3)).toString()],
      ];
    }),
  );
  const labels = { 'moonhook.dev/functions': 'true' };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'senders', namespace: 'team-a', labels },
    stringData,
  };
  return `${[...functions, JSON.stringify(secret)].join('\n---\n')}\n`;
}

/** The function that holds the trigger of a receiver. */
function functionOf(name: string): string {
  const first = Math.floor(senders.findIndex(({ profile }) => profile.name === name) / perFunction) * perFunction;
  return first === 0 ? 'all' : `all-${first}`;
}

function sign(local: LocalFixture, definition: ReceiverDefinition, number: number): SignedRequest {
  const url = `${local.run.addresses.public}/team-a/${definition.profile.name.toLowerCase()}`;
  const secrets = secretsFor(definition, sampleSecret(definition, number));
  const json = '{"id":"evt_1","type":"order.paid","object_kind":"push","action":{"type":"updateCard","id":"a1"}}';
  // Salesforce makes its own XML.
  const body = Buffer.from(definition.profile.name === 'salesforce' ? '' : json);
  return definition.sign(definition.guide.sampleEvent, body, url, sampleFields(definition), secrets, tools);
}

async function send(local: LocalFixture, definition: ReceiverDefinition, signed: SignedRequest): Promise<Response> {
  return local.fetch(signed.target ?? `/team-a/${definition.profile.name.toLowerCase()}`, {
    method: signed.method,
    headers: signed.headers,
    body: Buffer.from(signed.body),
  });
}

test('every sender is let in by its own signature, refused by any other, and leaves no credential to Lua', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': documents() } });
  for (const definition of senders) {
    const { name } = definition.profile;
    const genuine = await send(local, definition, sign(local, definition, 1));
    const text = await genuine.text();
    assert.equal(genuine.status, 200, `${name}: ${text}`);
    const seen = JSON.parse(text) as Readonly<Record<string, unknown>>;
    assert.equal(seen['sender'], name);
    assert.equal(seen['by'], bySecret.has(name) ? 'secret' : 'signature', name);
    assert.equal(seen['credentials'], 0, name);
    assert.ok(!text.includes(Buffer.from(sampleSecret(definition, 1)).toString()), name);
    const forged = await send(local, definition, sign(local, definition, 2));
    assert.equal(forged.status, 401, name);
    assert.ok(!(await forged.text()).includes('Mismatch'), 'the caller is not told why');
    if (!bySecret.has(name) && name !== 'jwt') {
      const signed = sign(local, definition, 1);
      const changed = { ...signed, body: Buffer.concat([signed.body, Buffer.from(' ')]) };
      assert.equal((await send(local, definition, changed)).status, 401, name);
    }
  }
  const logged = local.logged.join('\n');
  for (const definition of senders) {
    assert.ok(!logged.includes(Buffer.from(sampleSecret(definition, 1)).toString()), definition.profile.name);
  }
});

test('handshakes are answered by the host: those before a signature, and those that are signed', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': documents() } });
  const challenge = await local.fetch('/team-a/dropbox?challenge=abc');
  assert.equal(await challenge.text(), 'abc');
  assert.match(challenge.headers.get('content-type') ?? '', /^text\/plain/);
  assert.equal(challenge.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await local.fetch('/team-a/trello', { method: 'HEAD' })).status, 200);
  const slack = receivers.get('slack') ?? assert.fail();
  const body = Buffer.from('{"type":"url_verification","challenge":"xyz"}');
  const url = `${local.run.addresses.public}/team-a/slack`;
  for (const [number, expected] of [
    [1, 'xyz'],
    [2, undefined],
  ] as const) {
    const signed = slack.sign('x', body, url, {}, { secrets: [sampleSecret(slack, number)] }, tools);
    const answer = await send(local, slack, signed);
    if (expected === undefined) assert.equal(answer.status, 401);
    else assert.equal(await answer.text(), expected);
  }
});

test('moonhook send signs with the secret of the folder, and exits by the answer', async (context) => {
  const local = await startLocal(context, { files: { 'hooks.yaml': documents() } });
  const run = (...words: readonly string[]) => command(context, join(local.folder, '..', 'data'), words);
  const sent = await run(
    'send',
    'team-a/all',
    '--as',
    'github',
    '--event',
    'issues.opened',
    '-d',
    '{"action":"opened"}',
  );
  assert.equal(sent.code, 0, sent.error);
  assert.match(sent.out, /"name":"issues\.opened"/);
  assert.match(sent.error, /^200 in \d+ ms, call /);
  // Without a body the sample of the event is sent, by every kind of receiver.
  for (const name of ['hubspot', 'twilio', 'jwt', 'httpSignature', 'salesforce', 'pusher']) {
    const target = `team-a/${functionOf(name)}`;
    const sample = await run('send', target, '--as', name);
    assert.equal(sample.code, 0, `${name}: ${sample.error}`);
    assert.match(sample.out, new RegExp(`"sender":"${name}"`));
  }
  const ping = await run('send', 'team-a/all', '--as', 'github', '--event', 'ping', '-o', 'json');
  assert.equal(ping.code, 0, ping.error);
  assert.equal((JSON.parse(ping.out) as { status: number }).status, 202);
  const wrong = await run('send', 'team-a/all', '--as', 'stripe', '--secret', 'another secret of such a length');
  assert.equal(wrong.code, 1);
  assert.equal((await run('send', 'team-a/all')).code, 2);
  assert.match((await run('send', 'team-a/all')).error, /choose one of the triggers with --trigger: bearer, basic/);
  assert.equal((await run('send', 'team-a/nobody', '--as', 'github')).code, 5);
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs the command beside this process, which serves what it asks for. */
async function command(context: TestContext, dataDirectory: string, words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...words, '--data-dir', dataDirectory]);
  context.after(() => child.kill());
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const ended = Promise.withResolvers<number | null>();
  child.on('close', ended.resolve);
  return { code: await ended.promise, out, error };
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { rawRequest } from '../../test/builders/raw-request.ts';
import { receivers } from '../receivers/catalogue.ts';
import { findSender, type SenderQuery } from './find-sender.ts';

const folder = mkdtempSync(join(tmpdir(), 'moonhook-send-'));
after(() => rmSync(folder, { recursive: true }));

const secret = 'a secret of more than sixteen bytes';
writeFileSync(
  join(folder, 'hooks.yaml'),
  `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploy, namespace: team-a }
spec:
  code: return function() end
  triggers:
    - name: push
      http: { path: deploy, receiver: { github: { secretRefs: [{ name: github, key: secret }] } } }
    - name: other
      http: { path: other, receiver: { bearer: { secretRefs: [{ name: tokens, key: first.one }] } } }
    - name: nightly
      schedule: { cron: "0 3 * * *" }
---
apiVersion: v1
kind: Secret
metadata: { name: github, namespace: team-a }
stringData: { secret: "${secret}" }
`,
);
writeFileSync(join(folder, '.env'), 'tokens.first.one=a token of the environment file\n');

const query: SenderQuery = { folder, namespace: 'team-a', name: 'deploy', lookUpSecrets: true };

async function refusal(changes: Partial<SenderQuery>): Promise<string> {
  const found = await findSender({ ...query, ...changes });
  assert.ok(!found.ok, JSON.stringify(found));
  return found.message;
}

describe('the sender of a trigger in a folder', () => {
  test('is found by its receiver, with the secret of the folder, and what it signs verifies', async () => {
    const found = await findSender({ ...query, as: 'github' });
    assert.ok(found.ok, found.ok ? '' : found.message);
    assert.equal(found.value.trigger, 'push');
    const definition = receivers.get('github') ?? assert.fail();
    const { choice, secrets } = found.value;
    const tools = { now: () => 0, newId: () => 'd-1' };
    const signed = definition.sign('push', Buffer.from('{}'), 'http://h/x', choice.fields, { secrets }, tools);
    const prepared = definition.prepare(choice.fields);
    assert.ok(prepared.ok);
    const request = rawRequest({ headers: signed.headers, body: signed.body });
    const given = { secrets: [Buffer.from(secret)] };
    assert.equal((await prepared.receiver.verify(request, given, tools)).verdict, 'verified');
  });

  test('takes secrets of the environment file, and none where they are given', async () => {
    const found = await findSender({ ...query, trigger: 'other', envFile: join(folder, '.env') });
    assert.ok(found.ok, found.ok ? '' : found.message);
    assert.deepEqual(found.value.secrets.map(String), ['a token of the environment file']);
    const given = await findSender({ ...query, trigger: 'other', lookUpSecrets: false });
    assert.ok(given.ok && given.value.secrets.length === 0);
  });

  test('is told apart where there are several, and what is missing is said', async () => {
    assert.match(await refusal({}), /choose one of the triggers with --trigger: push, other/);
    assert.match(await refusal({ trigger: 'nightly' }), /no HTTP trigger "nightly": push, other/);
    assert.match(await refusal({ trigger: 'push', as: 'bearer' }), /has the receiver github, not bearer/);
    assert.match(await refusal({ name: 'nobody' }), /holds no function team-a\/nobody$/);
    assert.match(await refusal({ as: 'githb' }), /^there is no receiver "githb"; did you mean "github"\?$/);
    assert.match(await refusal({ trigger: 'other' }), /Secret "tokens" does not exist.*--secret/);
    assert.match(await refusal({ envFile: join(folder, 'none') }), /cannot read/);
  });

  test('a document that breaks the schema ends nothing: it is said that there is one', async (context) => {
    const broken = join(folder, 'broken.yaml');
    context.after(() => rmSync(broken));
    const document = (spec: string): string =>
      `---\napiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunction\nmetadata: { name: odd }\n${spec}`;
    writeFileSync(broken, document('spec: { code: return 1, modules: abc, triggers: 5 }\n') + document('spec:\n'));
    const message = await refusal({ namespace: 'default', name: 'odd' });
    assert.match(message, /holds no function default\/odd: some of its files have mistakes/);
    assert.ok((await findSender({ ...query, as: 'github' })).ok, 'control: the others are found');
  });
});

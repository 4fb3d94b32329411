/** Trying a draft in a real browser: on a sample, with answers and objects that are typed in, beside what is saved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, startConsole } from './start-console.ts';

const yaml = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploys }
spec:
  codeFrom: { file: deploys.lua }
  serviceAccountName: deploys
  env: [{ name: TOKEN, valueFrom: { secretKeyRef: { name: chat, key: token } } }]
  triggers:
    - { name: web, http: { path: d, receiver: { open: {} } } }
---
apiVersion: v1
kind: Secret
metadata: { name: chat }
stringData: { token: really-secret }
`;
const hostile = '<img src=x onerror="document.title=1">';
const lua = (word: string): string => `return function(event)
  local sent = http.post("https://api.example.com/say", { json = { token = env.TOKEN, own = event.request.headers["x-own"] } })
  local pod = k8s.get("v1", "Pod", "web-1")
  log.info([[${hostile}]])
  return { headers = { ["x-mark"] = [[${hostile}]] }, json = { word = "${word}", said = sent and sent.body, pod = pod and pod.status.phase } }
end
`;

test('a draft runs on what is typed in, beside the saved text, and what it asks for is told as text', async (t) => {
  const local = await startConsole(t, { files: { 'deploys.yaml': yaml, 'deploys.lua': lua('old') } });
  const page = await openPage(t, local.console.url);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await page.getByRole('textbox', { name: 'deploys.lua' }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(lua('new'));
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByRole('tab', { name: 'Headers' }).click();
  await panel.getByRole('button', { name: 'Add header' }).click();
  await panel.getByLabel('Header 1 name').fill('x-own');
  await panel.getByLabel('Header 1 value').fill(hostile);
  // By the keys of tabs.
  await panel.getByRole('tab', { name: 'Headers' }).focus();
  await page.keyboard.press('ArrowRight');
  await panel.getByRole('button', { name: 'Add answer' }).click();
  await panel.getByLabel('Body 1').fill(`heard ${hostile}`);
  await panel.getByRole('tab', { name: 'Objects' }).click();
  await panel.getByRole('textbox', { name: 'Cluster objects' }).click();
  await page.keyboard.insertText('apiVersion: v1\nkind: Pod\nmetadata: { name: web-1 }\nstatus: { phase: Pending }\n');
  await panel.getByRole('tab', { name: 'Secrets' }).click();
  await panel.getByLabel('chat.token').fill('typed-in');
  await panel.getByLabel('beside the saved text').check();
  await panel.getByRole('button', { name: 'Try', exact: true }).click();
  const draft = panel.getByRole('region', { name: 'Draft' });
  const answer = draft.getByLabel('Answer', { exact: true });
  await answer.getByText('"word": "new"').waitFor();
  const shown = await answer.innerText();
  assert.match(shown, /"pod": "Pending"/);
  assert.ok(shown.includes(`heard ${hostile.replaceAll('"', '\\"')}`), shown);
  await panel.getByRole('region', { name: 'Saved' }).getByText('"word": "old"').waitFor();
  assert.equal(await draft.getByText('differs').count(), 1);
  const request = draft.getByRole('list', { name: 'Requests it made' });
  await request.locator('summary').click();
  const sent = await request.innerText();
  assert.match(sent, /POST https:\/\/api\.example\.com\/say/);
  assert.match(sent, /"token": "typed-in"/);
  await draft.getByRole('list', { name: 'What it asked of the cluster' }).getByText('get Pod default/web-1').waitFor();
  for (const figure of ['time', 'CPU', 'memory', 'host calls'])
    await draft.getByText(figure, { exact: true }).waitFor();
  for (const words of ['The event as it arrived', 'Headers of the answer', 'The whole story']) {
    await draft.getByText(words).click();
  }
  assert.equal(await page.title(), 'Moonhook');
  assert.equal(await page.locator('img').count(), 0);
  // What was set up survives a reload; the secret does not.
  await page.reload();
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await panel.getByRole('tab', { name: /HTTP answers/ }).click();
  assert.match(await panel.getByLabel('Body 1').inputValue(), /heard/);
  await panel.getByRole('tab', { name: 'Secrets' }).click();
  assert.equal(await panel.getByLabel('chat.token').inputValue(), '');
  assert.equal(
    await page.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage }).includes("typed-in")'),
    false,
  );
  // Control: the storage holds what is kept.
  assert.equal(await page.evaluate('JSON.stringify({ ...sessionStorage }).includes("heard")'), true);
});

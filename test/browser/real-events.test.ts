/** Real events as samples, in a real browser: stored ones, and those that are caught while somebody asks for them. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { openBrowser } from './open-browser.ts';
import { openPage, startConsole, type ConsoleFixture } from './start-console.ts';

const browser = await openBrowser();
after(() => browser.close());

const key = '0123456789abcdef0123456789abcdef';
const yaml = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: pushes }
spec:
  code: |
    return function(event)
      return { json = { ref = event.data.ref, agent = event.request.headers["user-agent"], q = event.request.query.q } }
    end
  triggers:
    - name: push
      http: { path: gh, mode: sync, receiver: { github: { secretRefs: [{ name: github, key: token }] } } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: orders }
spec:
  code: |
    return function(event) error("no stock of " .. event.data.item) end
  triggers:
    - { name: paid, http: { path: paid, mode: async, receiver: { open: {} } } }
  retry: { schedule: [1ms] }
---
apiVersion: v1
kind: Secret
metadata: { name: github }
stringData: { token: ${key} }
`;
const hostile = '<img src=x onerror="document.title=1">';

function push(local: ConsoleFixture, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return local.fetch('/default/gh?q=1', {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': 'd-1',
      'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
      'user-agent': `GitHub-Hookshot/${hostile}`,
      authorization: 'Bearer of-somebody',
      cookie: 'session=of-somebody',
      ...headers,
    },
  });
}

test('a request that comes in is caught, without credentials, and the draft is tried on it', async (t) => {
  const local = await startConsole(t, { files: { 'shop.yaml': yaml } });
  const page = await openPage(t, local.console.url, browser);
  const body = JSON.stringify({ ref: `refs/heads/${hostile}`, zen: hostile });
  // Nobody asked yet: nothing of it is kept.
  assert.equal((await push(local, body)).status, 200);
  await page.getByRole('button', { name: 'default/pushes' }).click();
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByRole('button', { name: 'Catch requests' }).click();
  await panel.getByText('Waiting for a request to the function').waitFor();
  assert.equal(await panel.locator('optgroup[label="Real events"]').count(), 0);
  // A stranger's request is refused, and pushes nothing out.
  assert.equal((await push(local, body, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })).status, 401);
  assert.equal((await push(local, body)).status, 200);
  await panel.getByText('1 caught').waitFor();
  const editor = panel.getByRole('textbox', { name: 'Event body' });
  await editor.getByText('onerror=').first().waitFor();
  await panel.getByRole('tab', { name: 'Headers' }).click();
  await panel.getByText('of the real request').click();
  const headers = await panel.locator('details pre').first().innerText();
  assert.match(headers, /user-agent: GitHub-Hookshot/);
  assert.doesNotMatch(headers, /of-somebody|x-hub-signature/);
  await panel.getByRole('button', { name: 'Try', exact: true }).click();
  const answer = panel.getByRole('region', { name: 'Draft' }).getByLabel('Answer', { exact: true });
  await answer.getByText('"agent": "GitHub-Hookshot').waitFor();
  assert.match(await answer.innerText(), /"q": "1"/);
  assert.equal(await page.title(), 'Moonhook');
  assert.equal(await page.locator('img').count(), 0);
  // Left, it is forgotten: a page that looks later is shown none of it.
  await page.getByRole('tab', { name: 'Calls' }).click();
  await page.reload();
  const after = await openPage(t, local.console.url, browser);
  await after.getByRole('button', { name: 'default/pushes' }).click();
  await after.getByRole('button', { name: 'Catch requests' }).click();
  await after.getByText('Waiting for a request to the function').waitFor();
});

test('a stored event is offered with where its delivery stands, and the proof is made anew', async (t) => {
  const local = await startConsole(t, { files: { 'shop.yaml': yaml } });
  const post = (body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    local.fetch('/default/paid', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal((await post('{"item":"tea"}')).status, 202);
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/orders' }).click();
  const panel = page.getByRole('region', { name: 'Try' });
  const choice = panel.locator('.fields select').first();
  const dead = choice.locator('option', { hasText: 'dead' });
  while ((await dead.count()) === 0) {
    await panel.getByRole('tab', { name: 'Body' }).focus();
    await choice.focus();
    await page.waitForTimeout(100);
  }
  await choice.selectOption((await dead.first().getAttribute('value')) ?? '');
  await panel.getByRole('textbox', { name: 'Event body' }).getByText('"tea"').waitFor();
  await panel.getByRole('button', { name: 'Try', exact: true }).click();
  await panel.getByRole('region', { name: 'Draft' }).getByText('no stock of tea').first().waitFor();
  // What is accepted for later is caught, too.
  await panel.getByRole('button', { name: 'Catch requests' }).click();
  await panel.getByText('Waiting for a request to the function').waitFor();
  assert.equal((await post('{"item":"milk"}')).status, 202);
  await panel.getByText('1 caught').waitFor();
  await panel.getByRole('textbox', { name: 'Event body' }).getByText('"milk"').waitFor();
});

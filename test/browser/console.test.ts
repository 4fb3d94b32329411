/** The console in a real browser, in front of a real local run. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { axeFindings } from './axe-findings.ts';
import { openBrowser } from './open-browser.ts';
import { openPage, startConsole } from './start-console.ts';

const browser = await openBrowser();
after(() => browser.close());

const hook = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: hello }
spec:
  codeFrom: { file: hello.lua }
  triggers:
    - { name: web, http: { path: hello, receiver: { open: {} } } }
`;
const files = { 'hello.yaml': hook, 'hello.lua': 'return function()\n  return "one"\nend\n' };

/** Replaces the text of an editor as a person would: by typing. */
async function retype(page: Page, label: string, text: string): Promise<void> {
  await page.getByRole('textbox', { name: label }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

test('a function is edited, its mistake is shown at once, and what is saved serves', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/hello' }).click();
  await retype(page, 'hello.lua', 'return function()\n  return two()\nend\n');
  await page.getByRole('region', { name: 'Problems' }).getByText('hello.lua:2').waitFor();
  assert.equal(await (await local.fetch('/default/hello')).text(), 'one');
  await retype(page, 'hello.lua', 'return function()\n  return "two"\nend\n');
  await page.getByText('No errors').waitFor();
  const before = local.lines.length;
  await page.keyboard.press('Control+S');
  await local.line(/default\/hello: live/, before);
  assert.equal(await (await local.fetch('/default/hello')).text(), 'two');
  await page.getByText('Saved.').waitFor();
});

test('the token is taken out of the address, and without one nothing is shown', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/hello' }).waitFor();
  assert.equal(page.url(), `${local.console.place}/`);
  const stranger = await openPage(t, local.console.place, browser);
  await stranger.getByText('needs the token').waitFor();
  assert.equal(await stranger.getByText('default/hello').count(), 0);
});

test('unsaved work survives a reload, and a file that changed meanwhile is not overwritten', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/hello' }).click();
  await retype(page, 'hello.lua', 'return function() return "mine" end\n');
  await page.reload();
  await page.getByRole('button', { name: 'default/hello' }).click();
  await page.getByText('Unsaved work from before is back.').waitFor();
  const theirs = 'return function() return "theirs" end\n';
  const before = local.lines.length;
  writeFileSync(join(local.folder, 'hello.lua'), theirs);
  await local.line(/default\/hello: live/, before);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alertdialog', { name: 'Conflict' }).locator('pre').waitFor();
  assert.equal(readFileSync(join(local.folder, 'hello.lua'), 'utf8'), theirs);
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.match(readFileSync(join(local.folder, 'hello.lua'), 'utf8'), /mine/);
});

test('a code from a command line opens the page once', async (t) => {
  const local = await startConsole(t, { files });
  const { place } = local.console;
  const issued = await fetch(`${place}/api/codes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${local.token}` },
  });
  const { code } = (await issued.json()) as { readonly code: string };
  const page = await openPage(t, `${place}/#code=${code}`, browser);
  await page.getByRole('button', { name: 'default/hello' }).waitFor();
  assert.equal(page.url(), `${place}/`);
  const again = await openPage(t, `${place}/#code=${code}`, browser);
  await again.getByText('needs the token').waitFor();
  assert.equal((await fetch(`${place}/api/codes`, { method: 'POST' })).status, 401);
});

test('only this machine, this origin and the token open the API', async (t) => {
  const local = await startConsole(t, { files });
  const { place } = local.console;
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${place}/api/functions`, { headers })).status;
  const proof = { authorization: `Bearer ${local.token}` };
  // Control: the proof opens it.
  assert.equal(await ask(proof), 200);
  assert.equal(await ask({}), 401);
  assert.equal(await ask({ authorization: 'Bearer x' }), 401);
  assert.equal(await ask({ ...proof, origin: 'https://evil.example' }), 403);
  assert.equal(await ask({ ...proof, 'sec-fetch-site': 'cross-site' }), 403);
  const port = new URL(place).port;
  // A name of somebody else that leads here: neither the API nor the page itself.
  const asked = (path: string, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { ...proof, host };
      get({ host: '127.0.0.1', port, path, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on('error', reject);
    });
  for (const path of ['/api/functions', '/']) {
    assert.equal(await asked(path, `localhost:${port}`), 200, path);
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost:1', `127.0.0.1.evil.example:${port}`]) {
      assert.ok([400, 403, 421].includes(await asked(path, host)), `${path} ${host}`);
    }
  }
  const page = await fetch(`http://127.0.0.1:${port}/`);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/);
});

test('a draft is tried on a signed event of its sender, and nothing live is touched', async (t) => {
  const yaml = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: pushes }
spec:
  codeFrom: { file: pushes.lua }
  triggers:
    - name: push
      http: { path: gh, receiver: { github: { secretRefs: [{ name: github, key: token }] } } }
---
apiVersion: v1
kind: Secret
metadata: { name: github }
stringData: { token: 0123456789abcdef0123456789abcdef }
`;
  const code = 'return function(event)\n  kv.set("seen", event.name)\n  return "old " .. event.name\nend\n';
  const local = await startConsole(t, { files: { 'pushes.yaml': yaml, 'pushes.lua': code } });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/pushes' }).click();
  await retype(page, 'pushes.lua', code.replace('old', 'new'));
  await page.keyboard.press('Control+Enter');
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByLabel('Answer', { exact: true }).getByText('new push').waitFor();
  await panel.getByRole('list', { name: 'What it did' }).getByText('kv.set').waitFor();
  // A mistake at run time names its line.
  await retype(page, 'pushes.lua', 'return function(event)\n  return event.data.no.such\nend\n');
  await page.keyboard.press('Control+Enter');
  await panel.getByText(/line 2: .*attempt to index/).waitFor();
  assert.equal((await local.run.findRecords({})).length, 0);
});

test('calls appear as they happen, and what they say is text, never markup', async (t) => {
  const hostile = '<img src=x onerror="document.title=1">';
  const code = `return function(event)\n  log.info([[${hostile}]])\n  error([[${hostile}]])\nend\n`;
  const local = await startConsole(t, { files: { 'hello.yaml': hook, 'hello.lua': code } });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/hello' }).click();
  await page.getByRole('tab', { name: 'Calls' }).click();
  await page.getByText('No calls yet.').waitFor();
  await local.fetch('/default/hello');
  const calls = page.getByRole('table', { name: 'Calls' });
  await calls.getByText('error 500').waitFor();
  await calls.getByRole('button').first().click();
  await page.getByRole('complementary', { name: 'Story' }).getByText(hostile).first().waitFor();
  assert.equal(await page.title(), 'Moonhook');
  assert.equal(await page.locator('img').count(), 0);
});

test('Lua inside a resource has an editor of its own, completes what the host offers, and is formatted', async (t) => {
  const inline = hook.replace('codeFrom: { file: hello.lua }', 'code: |\n    return function() return "one" end');
  const local = await startConsole(t, { files: { 'hello.yaml': inline } });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/hello' }).click();
  await retype(page, 'Lua', 'return function() return "two" end');
  await page.keyboard.press('Shift+Alt+F');
  await page
    .locator('.cm-line', { hasText: /^\s*return "two"$/ })
    .first()
    .waitFor();
  await page.getByText('No errors').waitFor();
  const before = local.lines.length;
  await page.keyboard.press('Control+S');
  await local.line(/default\/hello: live/, before);
  assert.match(
    readFileSync(join(local.folder, 'hello.yaml'), 'utf8'),
    /code: \|\n {4}return function\(\)\n {6}return "two"\n/,
  );
  await page.getByRole('textbox', { name: 'Lua' }).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('crypto.sha2');
  await page.getByRole('option', { name: /crypto\.sha256/ }).waitFor();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing that shuts people out, ${colorScheme}`, async (t) => {
    const local = await startConsole(t, { files });
    await local.fetch('/default/hello');
    const page = await openPage(t, local.console.url, browser);
    await page.emulateMedia({ colorScheme });
    await page.getByRole('button', { name: 'default/hello' }).click();
    await page.getByText('No errors').waitFor();
    const found = await axeFindings(page);
    assert.deepEqual(found, []);
    // Control: a picture without words would have been found.
    await page.evaluate('document.body.append(document.createElement("img"))');
    assert.ok((await axeFindings(page)).some((finding) => finding.startsWith('image-alt')));
  });
}

/** The form beside the YAML, in a real browser: each edits what the other shows. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { axeFindings } from './axe-findings.ts';
import { openBrowser } from './open-browser.ts';
import { openPage, startConsole } from './start-console.ts';

const browser = await openBrowser();
after(() => browser.close());

const yaml = `# Owned by the deploy team.
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploys } # short
spec:
  codeFrom: { file: deploys.lua }
  triggers:
    # The only one.
    - name: push
      http: { path: gh, receiver: { open: {} } }
`;
const files = { 'deploys.yaml': yaml, 'deploys.lua': 'return function() return "ok" end\n' };

/** The text of the YAML editor as the file would get it. */
async function yamlOf(page: Page): Promise<string> {
  const lines = page.getByRole('textbox', { name: 'deploys.yaml' }).locator('.cm-line');
  return (await lines.allTextContents()).join('\n');
}

test('a form and its text show each other, comments stay, and Ctrl-Z takes back what the form did', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await page.getByRole('button', { name: 'YAML', exact: true }).click();
  const form = page.getByRole('region', { name: 'Form' });
  const card: Locator = form.locator('details.card').first();
  // The form writes, and nothing else of the text changes.
  await card.getByLabel('Path required').fill('deploys/github');
  await card.getByLabel('Who may call').selectOption({ label: 'GitHub' });
  await page.locator('.cm-line', { hasText: 'secretRefs' }).waitFor();
  const written = await yamlOf(page);
  assert.match(written, /^# Owned by the deploy team\.\n/);
  assert.match(written, /metadata: \{ name: deploys \} # short\n/);
  assert.match(written, /# The only one\.\n {4}- name: push\n/);
  assert.match(
    written,
    /path: deploys\/github, receiver: \{ github: \{ secretRefs: \[ \{ name: deploys, key: secret \} \] \} \}/,
  );
  // The text writes, and the form shows it.
  const editor = page.getByRole('textbox', { name: 'deploys.yaml' });
  await editor.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText(
    '    - name: nightly\n      schedule: { cron: "30 4 * * 1", timeZone: America/New_York }\n',
  );
  const times = form.getByRole('list', { name: 'Next times' });
  await times
    .getByText(/^Mon, .* 04:30 (EST|EDT|GMT-[45])$/)
    .first()
    .waitFor();
  assert.equal(await times.getByRole('listitem').count(), 5);
  await form.getByLabel('Cron required').fill('61 * * * *');
  await form.getByText(/"61 . . . ." is not a schedule/).waitFor();
  // Of the editor's history, too.
  await form.getByLabel('Cron required').fill('@daily');
  await page.locator('.cm-line', { hasText: '"@daily"' }).waitFor();
  await editor.click();
  await page.keyboard.press('Control+Z');
  await page.locator('.cm-line', { hasText: 'cron: "@daily"' }).waitFor({ state: 'detached' });
  // A text that is no YAML keeps the form from writing.
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('a: [');
  await form.getByText(/comes back when its mistakes are mended/).waitFor();
  assert.equal(readFileSync(join(local.folder, 'deploys.yaml'), 'utf8'), yaml);
});

test('each kind of trigger is added, filled in and taken away without a word of YAML', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  const form = page.getByRole('region', { name: 'Form' });
  for (const kind of ['HTTP request', 'Schedule', 'Published event']) {
    await form.getByRole('button', { name: kind }).click();
  }
  const card = (name: string): Locator => form.locator('details.card', { has: page.getByText(name, { exact: true }) });
  await card('web').getByLabel('Who may call').selectOption('open');
  await card('event').getByLabel('Type required').fill('com.acme.order.*');
  await card('web').getByRole('checkbox', { name: 'GET' }).check();
  await form.getByRole('button', { name: 'Remove trigger push' }).click();
  await form.getByRole('heading', { name: 'Limits' }).click();
  await form.getByLabel('CPU time').fill('2x');
  await form.getByText(/Expected: a duration/).waitFor();
  await form.getByLabel('CPU time').fill('2s');
  await page.getByText('No errors').waitFor();
  const before = local.lines.length;
  await page.getByRole('button', { name: 'Save' }).click();
  await local.line(/default\/deploys: live/, before);
  const saved = readFileSync(join(local.folder, 'deploys.yaml'), 'utf8');
  assert.match(
    saved,
    /- name: web\n {6}http:\n {8}path: deploys\n {8}receiver:\n {10}open: \{\}\n {8}methods:\n {10}- GET\n/,
  );
  assert.match(saved, /type: com\.acme\.order\.\*\n {2}limits:\n {4}cpuTime: 2s\n$/);
  assert.doesNotMatch(saved, /push/);
  assert.equal((await local.fetch('/default/deploys')).status, 200);
});

test('what somebody else changed is shown as a difference to what was typed, and only that is in dispute', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  const path = page.getByRole('region', { name: 'Form' }).getByLabel('Path required');
  await path.fill('mine');
  const before = local.lines.length;
  writeFileSync(join(local.folder, 'deploys.yaml'), yaml.replace('path: gh', 'path: theirs'));
  writeFileSync(join(local.folder, 'deploys.lua'), 'return function() return "theirs" end\n');
  await local.line(/default\/deploys: live/, before);
  await page.getByText(/was changed meanwhile/).waitFor();
  // By the keys of the page, from a field of the form.
  await path.press('Control+s');
  const dialog = page.getByRole('alertdialog', { name: 'Conflict' });
  const difference = await dialog.getByLabel('Difference of deploys.yaml').innerText();
  assert.match(difference, /−.*path: theirs.*\n\+.*path: mine/);
  assert.equal(await dialog.getByLabel('Difference of deploys.lua').count(), 0);
  assert.match(readFileSync(join(local.folder, 'deploys.yaml'), 'utf8'), /path: theirs/);
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await path.press('Control+s');
  await page.getByText('Saved.').waitFor();
  assert.match(readFileSync(join(local.folder, 'deploys.yaml'), 'utf8'), /path: mine/);
  assert.match(readFileSync(join(local.folder, 'deploys.lua'), 'utf8'), /theirs/);
  // With nothing typed, what is shown follows the files.
  writeFileSync(join(local.folder, 'deploys.yaml'), yaml.replace('path: gh', 'path: third'));
  await page.getByText('Changed in its files, and read anew.').waitFor();
  assert.equal(await path.inputValue(), 'third');
});

test('axe finds nothing that shuts people out of the form, a try or a new function', async (t) => {
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('link', { name: 'New' }).click();
  await page.getByRole('button', { name: 'GitHub', exact: true }).click();
  assert.deepEqual(await axeFindings(page), []);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await page.getByRole('button', { name: 'YAML', exact: true }).click();
  const form = page.getByRole('region', { name: 'Form' });
  for (const kind of ['Schedule', 'Published event', 'Kubernetes change']) {
    await form.getByRole('button', { name: kind }).click();
  }
  for (const more of await form.getByText('More settings').all()) await more.click();
  for (const section of ['Limits', 'Rights and reach', 'Running']) {
    await form.getByRole('heading', { name: section }).click();
  }
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByRole('tab', { name: 'HTTP answers' }).click();
  await panel.getByRole('button', { name: 'Add answer' }).click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await axeFindings(page), [], colorScheme);
  }
});

test('hostile values of a resource are text in the form, in problems and in a difference', async (t) => {
  const hostile = '<img src=x onerror="document.title=1">';
  const quoted = JSON.stringify(hostile);
  const text = `${yaml}    - { name: ${quoted}, event: { type: ${quoted} } }\n  env: [{ name: A, value: ${quoted} }]\n  ${quoted}: 1\n`;
  const local = await startConsole(t, { files });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await page.getByRole('button', { name: 'YAML', exact: true }).click();
  await page.getByRole('textbox', { name: 'deploys.yaml' }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
  const form = page.getByRole('region', { name: 'Form' });
  await form.locator('summary', { hasText: hostile }).first().waitFor();
  await form.getByText('Expected:').first().waitFor();
  await page.getByRole('region', { name: 'Problems' }).getByText(hostile).first().waitFor();
  writeFileSync(join(local.folder, 'deploys.yaml'), `${yaml}# ${hostile}\n`);
  await page.getByText(/was changed meanwhile/).waitFor();
  await page.keyboard.press('Control+s');
  await page.getByLabel('Difference of deploys.yaml').getByText(hostile).first().waitFor();
  assert.equal(await page.title(), 'Moonhook');
  assert.equal(await page.locator('img').count(), 0);
  // Control: a picture that was made of markup would have been counted.
  await page.evaluate('document.body.append(document.createElement("img"))');
  assert.equal(await page.locator('img').count(), 1);
});

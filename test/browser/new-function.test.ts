/** The story of a new user, in a real browser: from an empty folder to a function that serves, and what breaks it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser } from './open-browser.ts';
import { openPage, startConsole } from './start-console.ts';

const browser = await openBrowser();
after(() => browser.close());

async function retype(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Lua', exact: true }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

test('an empty folder leads to a function that answers; a mistake is shown, tried, mended, and never served', async (t) => {
  const local = await startConsole(t, { files: {} });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('heading', { name: 'Write the first function' }).waitFor();
  await page.getByRole('searchbox', { name: 'Find a starting point' }).fill('anyone');
  await page.keyboard.press('Enter');
  await page.getByLabel('Name').fill('Not a name');
  await page.getByText('A name is made of').waitFor();
  await page.getByLabel('Name').fill('hello');
  await page.keyboard.press('Enter');
  const steps = page.getByRole('region', { name: 'Next steps' });
  await steps.getByText('/default/hello').waitFor();
  assert.equal((await local.fetch('/default/hello', { method: 'POST' })).status, 200);
  // A mistake stands at its line and column, and leads there.
  await retype(page, 'return function(event)\n  return { json = { said = unknown(event) } }\nend\n');
  const problems = page.getByRole('region', { name: 'Problems' });
  await problems.getByText('unknown', { exact: false }).first().waitFor();
  await problems
    .getByRole('button', { name: /^hello\.yaml:\d+:\d+$/ })
    .first()
    .click();
  await page.getByRole('textbox', { name: 'Lua' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  // At run time it fails at its line.
  await page.keyboard.press('Control+Enter');
  const draft = page.getByRole('region', { name: 'Draft' });
  await draft.getByRole('button', { name: 'line 2' }).waitFor();
  await retype(page, 'return function(event)\n  return { json = { said = "hello" } }\nend\n');
  await page.getByText('No errors').waitFor();
  await page.keyboard.press('Control+Enter');
  await draft.getByLabel('Answer', { exact: true }).getByText('"said": "hello"').waitFor();
  let before = local.lines.length;
  await page.keyboard.press('Control+S');
  await local.line(/default\/hello: live/, before);
  assert.deepEqual(await (await local.fetch('/default/hello', { method: 'POST' })).json(), { said: 'hello' });
  // Broken, and saved all the same: the last good code goes on serving.
  await retype(page, 'return functio\n');
  await problems
    .getByText(/hello\.yaml:\d+/)
    .first()
    .waitFor();
  before = local.lines.length;
  await page.keyboard.press('Control+S');
  await local.line(/hello/, before);
  await page.getByRole('img', { name: /Ready/ }).or(page.locator('.state-False')).first().waitFor();
  assert.deepEqual(await (await local.fetch('/default/hello', { method: 'POST' })).json(), { said: 'hello' });
  await page.getByRole('tab', { name: 'Calls' }).click();
  await page.getByRole('table', { name: /calls/i }).waitFor();
});

test('a sender comes with a secret, a URL and its steps; the secret is told once and read by its owner alone', async (t) => {
  const local = await startConsole(t, { files: { 'taken.yaml': '# empty\n' } });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('link', { name: 'New' }).click();
  await page.getByRole('button', { name: 'GitHub', exact: true }).click();
  await page.getByLabel('Name').fill('taken');
  await page.getByRole('button', { name: 'Create taken' }).click();
  await page.getByText('a file taken.yaml is there already').waitFor();
  assert.deepEqual(readdirSync(local.folder), ['taken.yaml']);
  assert.equal(readFileSync(join(local.folder, 'taken.yaml'), 'utf8'), '# empty\n');
  await page.getByLabel('Name').fill('pushes');
  await page.getByRole('button', { name: 'Create pushes' }).click();
  const steps = page.getByRole('region', { name: 'Next steps' });
  await steps.getByText('Settings, Webhooks').waitFor();
  await steps.getByRole('button', { name: 'Show Secret pushes.secret' }).click();
  const file = join(local.folder, 'pushes.secret.yaml');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const [secret = ''] = /[0-9a-f]{64}/.exec(readFileSync(file, 'utf8')) ?? [];
  await steps.getByText(secret, { exact: true }).waitFor();
  await page.getByText('No errors').waitFor();
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  await page.getByRole('region', { name: 'Draft' }).getByRole('list', { name: 'What it did' }).waitFor();
  await page.reload();
  await page.getByText('No errors').waitFor();
  assert.equal(await page.getByText(secret).count(), 0);
  assert.equal(
    await page.evaluate(`JSON.stringify({ ...sessionStorage, ...localStorage }).includes('${secret}')`),
    false,
  );
});

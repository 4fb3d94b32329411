/** Help while Lua is written, in a real browser: fields of the chosen sample, signatures, explanations, the outline, search. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import type { Locator } from 'playwright-core';
import { openBrowser } from './open-browser.ts';
import { openPage, startConsole } from './start-console.ts';

const browser = await openBrowser();
after(() => browser.close());

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
const lua = `local function title(commit)
  return commit.message
end

return function(event)
  local repo = event.data.repository
  log.info("pushed")
  
end
`;

/** Waits for an option; a person whose list has not opened, or was closed by news of the run, asks for it by its key. */
async function offered(option: Locator): Promise<Locator> {
  await eventually('the option is offered', async () => {
    const soon = await option.waitFor({ timeout: 3000 }).then(
      () => true,
      () => false,
    );
    if (!soon) await option.page().keyboard.press('Control+Space');
    return soon;
  });
  return option;
}

test('the event is completed by the chosen sample, calls are explained, and the outline leads to functions', async (t) => {
  const local = await startConsole(t, { files: { 'pushes.yaml': yaml, 'pushes.lua': lua } });
  const page = await openPage(t, local.console.url, browser);
  await page.getByRole('button', { name: 'default/pushes' }).click();
  const editor = page.getByRole('textbox', { name: 'pushes.lua' });
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByRole('textbox', { name: 'Event body' }).getByText('refs/heads').first().waitFor();
  // To the empty line, by the outline and the keys.
  await page.getByLabel('Outline').selectOption({ label: '5: the handler' });
  await editor.and(page.locator(':focus')).waitFor();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key);
  await page.keyboard.type('x = event.');
  await offered(page.getByRole('option', { name: /^name/ }));
  await page.keyboard.type('data.re');
  await offered(page.getByRole('option', { name: /^ref/ }).filter({ hasText: 'refs/heads' }));
  await page.keyboard.press('Escape');
  // A part with a name of its own, and the items of a list.
  await page.keyboard.type('f y = repo.full');
  await offered(page.getByRole('option', { name: /^full_name/ }));
  await page.keyboard.press('Escape');
  await page.keyboard.type('_name z = event.data.commits[1].mess');
  await offered(page.getByRole('option', { name: /^message/ }));
  await page.keyboard.press('Escape');
  // What the person changes in the sample is known at once, and a name that is no word is put in brackets.
  await panel.getByRole('textbox', { name: 'Event body' }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText('{ "x-<b>odd": "<img src=x onerror=document.title=1>" }');
  await page.getByLabel('Outline').selectOption({ label: '5: the handler' });
  await editor.and(page.locator(':focus')).waitFor();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key);
  await page.keyboard.type('age w = event.data.');
  await (await offered(page.getByRole('option', { name: /x-<b>odd/ }))).click();
  await page.locator('.cm-line', { hasText: 'event.data["x-<b>odd"]' }).waitFor();
  // The signature, with the parameter that is written now.
  await page.keyboard.type(' crypto.hmac(');
  const signature = page.locator('.signature');
  await signature.locator('strong').waitFor();
  const [first] = await signature.locator('strong').allInnerTexts();
  await page.keyboard.type('"a", ');
  await page.waitForFunction(
    `document.querySelector('.signature strong')?.textContent !== ${JSON.stringify(first)}`,
    undefined,
  );
  // The first may close a list of names that is about to open.
  await eventually('the signature is closed', async () => {
    await page.keyboard.press('Escape');
    return (await signature.count()) === 0;
  });
  // Under the pointer.
  await page.locator('.cm-line', { hasText: 'log.info' }).hover({ position: { x: 50, y: 8 } });
  await page.locator('.explanation').getByText('log.info').waitFor();
  // Search.
  await editor.click();
  await page.keyboard.press('Control+F');
  await page.getByRole('textbox', { name: 'Find' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.type('commit.message');
  await page.keyboard.press('Enter');
  await page.locator('.cm-searchMatch-selected').waitFor();
  assert.equal(await page.title(), 'Moonhook');
  assert.equal(await page.locator('img').count(), 0);
});

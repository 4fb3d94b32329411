/** Pictures of the real console in front of a real local run, for the guide: light and dark. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ConsoleFixture } from './start-console.ts';
import { pictureWatching, watchedFiles } from './watching-pictures.ts';

/** What is shown: a few functions of a small team. */
export const pictured: Readonly<Record<string, string>> = {
  ...watchedFiles,
  'deploys.yaml': `# Owned by the platform team.
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploys }
spec:
  codeFrom: { file: deploys.lua }
  env:
    - { name: CHAT_URL, value: https://chat.example.com/hooks/deploys }
  triggers:
    # Of the repositories in acme.
    - name: push
      http:
        path: deploys
        mode: sync
        receiver:
          github:
            events: [push]
            secretRefs: [{ name: github, key: secret }]
    - name: nightly
      schedule: { cron: "0 3 * * *", timeZone: Europe/Berlin }
`,
  'deploys.lua': `-- Tells the team of each push.
local function summary(data)
  local count = #(data.commits or {})
  return data.pusher.name .. " pushed " .. count .. " commits"
end

return function(event)
  if event.name ~= "push" then return end
  local number = kv.incr("pushes")
  local sent, err = http.post(env.CHAT_URL, {
    json = { text = summary(event.data) },
    expect = "2xx",
  })
  if not sent then log.warn("not told", { why = err.message }) end
  log.info("push", { number = number, ref = event.data.ref })
  return { json = { number = number, told = sent ~= nil } }
end
`,
  'secrets.yaml': `apiVersion: v1
kind: Secret
metadata: { name: github, labels: { moonhook.dev/functions: "true" } }
stringData: { secret: 0123456789abcdef0123456789abcdef }
`,
  'hello.yaml': `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: hello }
spec:
  code: |
    return function(event) return { json = { hello = event.request.method } } end
  triggers:
    - { name: web, http: { path: hello, receiver: { open: {} } } }
`,
};

const schemes = ['light', 'dark'] as const;
/** Of this machine and this run: not for a guide. */
const hidden = '.line-state .place, .cm-cursorLayer { visibility: hidden; } * { transition: none !important; }';

/** Takes all of them into a folder, `shrink` made of what the browser gives; answers their names. */
export async function takePictures(
  local: ConsoleFixture,
  browser: Browser,
  folder: string,
  shrink: (png: Buffer) => Buffer,
): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true });
  const names: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(60_000);
  const take = async (name: string): Promise<void> => {
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
      const file = `${name}-${colorScheme}.png`;
      writeFileSync(join(folder, file), shrink(png));
      names.push(file);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  };
  await page.goto(local.console.url);
  await page.addStyleTag({ content: hidden });
  await pictureNew(page);
  await take('new');
  await pictureWriting(page);
  await take('write');
  await pictureTrying(page);
  await take('try');
  await pictureWatching(page, local, take);
  await page.context().close();
  return names;
}

async function pictureNew(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'New' }).click();
  await page.getByRole('button', { name: 'GitHub', exact: true }).click();
  await page.getByRole('button', { name: 'Create on-github' }).waitFor();
}

async function pictureWriting(page: Page): Promise<void> {
  await page.setViewportSize({ width: 1680, height: 960 });
  await page.getByRole('button', { name: 'default/deploys' }).click();
  await page.getByRole('textbox', { name: 'deploys.lua' }).waitFor();
  if ((await page.getByRole('button', { name: 'YAML', exact: true }).getAttribute('aria-pressed')) === 'false') {
    await page.getByRole('button', { name: 'YAML', exact: true }).click();
  }
  await page.getByText('No errors').waitFor();
  await page.getByRole('list', { name: 'Next times' }).waitFor();
  // A name that nothing has: the checker says so at its place.
  await page.getByRole('textbox', { name: 'deploys.lua' }).click();
  await page.keyboard.press('Control+Home');
  for (let line = 1; line < 9; line += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.keyboard.insertText('local branch = brnach(event.data.ref)');
  await page.getByRole('region', { name: 'Problems' }).getByText('brnach').first().waitFor();
}

async function pictureTrying(page: Page): Promise<void> {
  await page.keyboard.press('Control+Shift+K');
  await page.getByText('No errors').waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('button', { name: 'YAML', exact: true }).click();
  const panel = page.getByRole('region', { name: 'Try' });
  await panel.getByRole('tab', { name: /HTTP answers/ }).click();
  await panel.getByRole('button', { name: 'Add answer' }).click();
  await panel.getByLabel('URL 1').fill('https://chat.example.com/*');
  await panel.getByLabel('Body 1').fill('{ "ok": true }');
  await panel.getByRole('button', { name: 'Try', exact: true }).click();
  const report = panel.getByRole('region', { name: 'Draft' });
  await report.getByRole('list', { name: 'Requests it made' }).waitFor();
  await panel.evaluate((part) => part.previousElementSibling?.scrollIntoView());
}
